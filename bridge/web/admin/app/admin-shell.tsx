import { useEffect, useState } from 'preact/hooks';
import { ClusterService } from '../../../../gen/parley/chat/v1/cluster_pb.ts';
import { IconButton } from '../../ui/button.tsx';
import { Logo } from '../../ui/logo.tsx';
import { Toasts } from '../../ui/toasts.tsx';
import { Audit } from '../views/audit.tsx';
import { Conversations } from '../views/conversations.tsx';
import { DeadLetters } from '../views/dead-letters.tsx';
import { Leases } from '../views/leases.tsx';
import { Nodes } from '../views/nodes.tsx';
import { Overview } from '../views/overview.tsx';
import { Queues } from '../views/queues.tsx';
import { SlowConsumers } from '../views/slow-consumers.tsx';
import { Users } from '../views/users.tsx';
import type { AdminApi } from './admin-api.ts';
import { moment } from './amounts.ts';
import { useAnswer } from './use-answer.ts';
import './admin-shell.css';

const places = {
  overview: 'Overview',
  nodes: 'Nodes',
  conversations: 'Conversations',
  users: 'Users',
  slow: 'Slow consumers',
  queues: 'Queues',
  leases: 'Leases',
  letters: 'Dead letters',
  audit: 'Audit log',
} as const;
type Place = keyof typeof places;

const pollMs = 2_000;

interface AdminShellProps {
  api: AdminApi;
  onLeave: () => void;
}

/** The frame around all views. What nodes say is asked every 2 seconds, once for all of them. */
export function AdminShell({ api, onLeave }: AdminShellProps) {
  const [place, setPlace] = useState(placeOf(location.hash));
  useEffect(() => {
    const moved = (): void => setPlace(placeOf(location.hash));
    addEventListener('hashchange', moved);
    return () => removeEventListener('hashchange', moved);
  }, []);
  useEffect(() => {
    document.title = `${places[place]} – Parley administration`;
    document
      .querySelector('.admin-nav a[aria-current]')
      ?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [place]);
  const nodes = useAnswer(() => api.call(ClusterService.method.listNodes, {}), 'nodes', pollMs);
  return (
    <div class="admin">
      <header class="admin-header">
        <Logo size={28} />
        <span class="admin-brand">Administration</span>
        <Freshness problem={nodes.problem} atMs={nodes.atMs} />
        <IconButton icon="leave" label="Sign out" onClick={onLeave} />
      </header>
      <nav class="admin-nav" aria-label="Administration">
        <ul>
          {Object.entries(places).map(([name, title]) => (
            <li key={name}>
              <a href={`#/${name}`} aria-current={name === place ? 'page' : undefined}>
                {title}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <main class="admin-main" tabIndex={-1}>
        <h1 class="admin-title">{places[place]}</h1>
        {nodes.problem === '' || nodes.answer === undefined ? null : (
          <p class="admin-problem" role="alert">
            {nodes.problem} What is shown is of {moment(nodes.atMs)}.
          </p>
        )}
        {viewOf(place, { api, nodes })}
      </main>
      <Toasts />
    </div>
  );
}

function viewOf(
  place: Place,
  { api, nodes }: { api: AdminApi; nodes: Parameters<typeof Overview>[0]['nodes'] },
) {
  switch (place) {
    case 'overview':
      return <Overview api={api} nodes={nodes} />;
    case 'nodes':
      return <Nodes nodes={nodes} />;
    case 'conversations':
      return <Conversations api={api} />;
    case 'users':
      return <Users api={api} />;
    case 'slow':
      return <SlowConsumers api={api} />;
    case 'queues':
      return <Queues nodes={nodes} />;
    case 'leases':
      return <Leases api={api} nodes={nodes} />;
    case 'letters':
      return <DeadLetters api={api} />;
    case 'audit':
      return <Audit api={api} />;
  }
}

function placeOf(hash: string): Place {
  const [name = ''] = hash.replace(/^#\//, '').split('/');
  return Object.hasOwn(places, name) ? (name as Place) : 'overview';
}

function Freshness({ problem, atMs }: { problem: string; atMs: number }) {
  if (problem !== '') return <span class="admin-freshness admin-stale">Not live</span>;
  return <span class="admin-freshness">{atMs === 0 ? 'Asking…' : 'Live'}</span>;
}
