import { useEffect, useRef, useState } from 'preact/hooks';
import { ClusterService, type ListNodesResponse } from '../../../../gen/parley/chat/v1/cluster_pb.ts';
import { Icon } from '../../ui/icon.tsx';
import type { AdminApi } from '../app/admin-api.ts';
import { bytes, count } from '../app/amounts.ts';
import { type Rates, ratesBetween } from '../app/rates.ts';
import { troublesOf } from '../app/troubles.ts';
import { type Answered, useAnswer } from '../app/use-answer.ts';
import { Shown } from '../ui/shown.tsx';
import { Tile } from '../ui/tile.tsx';
import { HotTable } from './hot-table.tsx';
import './overview.css';

interface OverviewProps {
  api: AdminApi;
  nodes: Answered<ListNodesResponse>;
}

/** Everything at a glance. */
export function Overview({ api, nodes }: OverviewProps) {
  return <Shown of={nodes}>{(answer) => <Glance api={api} answer={answer} />}</Shown>;
}

function Glance({ api, answer }: { api: AdminApi; answer: ListNodesResponse }) {
  const rates = useRates(answer);
  const hot = useAnswer(
    () => api.call(ClusterService.method.listHotConversations, { limit: 5 }),
    'hot',
    2_000,
  );
  const all = answer.nodes.flatMap(({ figures }) => (figures === undefined ? [] : [figures]));
  const sum = (value: (of: (typeof all)[number]) => number): number =>
    all.reduce((total, figures) => total + value(figures), 0);
  const sessions = sum(
    ({ connection }) => connection?.transports.reduce((total, each) => total + each.sessions, 0) ?? 0,
  );
  const slow = sum(({ connection }) => connection?.slowSessions ?? 0);
  const waiting = sum(
    ({ queues, links }) =>
      queues.reduce((total, queue) => total + Number(queue.bytes), 0) +
      links.reduce((total, link) => total + Number(link.queuedBytes), 0),
  );
  return (
    <>
      <Troubles troubles={troublesOf(answer)} />
      <dl class="tiles">
        <Tile
          title="Nodes"
          value={`${all.length} of ${answer.nodes.length}`}
          note="answer"
          bad={all.length < answer.nodes.length}
        />
        <Tile title="Sessions" value={count(sessions)} />
        <Tile
          title="Users"
          value={count(sum(({ connection }) => connection?.users ?? 0))}
          note="signed in, by node"
        />
        <Tile
          title="Entries"
          value={rates === undefined ? '…' : count(rates.entries)}
          note="committed a second"
        />
        <Tile
          title="Deliveries"
          value={rates === undefined ? '…' : count(rates.deliveries)}
          note="a second"
        />
        <Tile
          title="Conversations"
          value={count(sum(({ message }) => message?.ownedConversations ?? 0))}
          note="in memory"
        />
        <Tile title="Slow sessions" value={count(slow)} bad={slow > 0} />
        <Tile title="Queued" value={bytes(waiting)} />
      </dl>
      <section class="admin-section">
        <h2>Hot conversations</h2>
        <Shown of={hot}>{({ conversations }) => <HotTable conversations={conversations} />}</Shown>
      </section>
    </>
  );
}

function Troubles({ troubles }: { troubles: readonly string[] }) {
  if (troubles.length === 0)
    return (
      <p class="well">
        <Icon name="check" size={18} /> All is as it should be, as far as the nodes say.
      </p>
    );
  return (
    <ul class="troubles" role="alert">
      {troubles.map((trouble) => (
        <li key={trouble}>
          <Icon name="warning" size={18} /> <span>{trouble}</span>
        </li>
      ))}
    </ul>
  );
}

/** From this look and the one before. */
function useRates(answer: ListNodesResponse): Rates | undefined {
  const before = useRef(answer);
  const [rates, setRates] = useState<Rates | undefined>(undefined);
  useEffect(() => {
    const found = ratesBetween(before.current, answer);
    before.current = answer;
    if (found !== undefined) setRates(found);
  }, [answer]);
  return rates;
}
