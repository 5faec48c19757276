import { randomBytes } from 'node:crypto';
import type { NodeFigures } from '../../gen/parley/chat/v1/cluster_pb.ts';
import { NodeService } from '../../gen/parley/node/v1/node_pb.ts';
import type { Answered, Unanswered } from '../admin/cluster-view.ts';
import { ClusterView } from '../admin/cluster-view.ts';
import { systemClock } from '../core/clock.ts';
import { Fault } from '../core/fault.ts';
import { loadLinkTls } from '../core/link-tls.ts';
import { silentLogger } from '../core/log.ts';
import { NodeDialer } from '../grpc/node-calls.ts';
import { openDirectory } from '../open-directory.ts';
import type { Config } from '../options.ts';
import { linkVersion } from '../peer/hello.ts';
import type { NodeCaller } from '../peer/node-caller.ts';
import { version } from '../version.ts';
import { type Finding, Findings } from './finding.ts';

const skewWarningMs = 500;
const skewErrorMs = 2_000;
const method = NodeService.method.inspectNode;

type Inspected = Answered<typeof method.output>;

/** The nodes that the directory knows: whether each answers, and all are of one mind. */
export async function lookAtNodes(config: Config): Promise<readonly Finding[]> {
  const findings = new Findings('nodes');
  await using stack = new AsyncDisposableStack();
  const { directory } = await openDirectory(config, silentLogger);
  stack.defer(() => directory.close());
  const tls = await loadLinkTls(config.linkTls);
  const nodeId = `doctor-${randomBytes(6).toString('hex')}`;
  const hello = () => ({
    version: linkVersion,
    nodeId,
    incarnation: 0,
    clusterToken: config.node.clusterToken,
    storeEpoch: '',
  });
  const dialer = stack.use(new NodeDialer({ tls, hello }));
  const self: NodeCaller = {
    call: () => Promise.reject(new Fault('unknownCommand', { message: 'the doctor is no node' })),
  };
  const dial = (address: string, id: string) => dialer.at(address, id);
  const view = new ClusterView({
    clock: systemClock,
    nodeId,
    roles: [],
    self,
    leases: directory.nodes,
    dial,
  });
  const { answered, unanswered, known } = await view.every(method, {});
  if (!known) {
    findings.error('The directory does not say which nodes there are.', 'See what is found about Redis.');
    return findings.all;
  }
  judgeNodes(
    answered,
    unanswered.filter(({ member }) => member.id !== nodeId),
    findings,
  );
  return findings.all;
}

/** What the answers mean. */
export function judgeNodes(
  answered: readonly Inspected[],
  unanswered: readonly Unanswered[],
  findings: Findings,
): void {
  const all = [...answered, ...unanswered].map(({ member }) => member);
  if (all.length === 0) {
    findings.error('The directory knows no node.', 'Start the nodes of the cluster.');
    return;
  }
  for (const { member, problem } of unanswered) {
    const at = member.leases[0]?.address ?? '?';
    findings.error(
      `${member.id} holds a lease and does not answer at ${at}: ${problem}.`,
      /cluster token|certificate|tls|ssl/i.test(problem)
        ? 'Give the doctor the PARLEY_CLUSTER_TOKEN and the certificates of the nodes.'
        : 'See whether it hangs (its lease lapses within seconds where it is dead), and whether this machine may reach its port for links.',
    );
  }
  roles(all, findings);
  agreement(answered, findings);
  clocks(answered, findings);
  if (unanswered.length === 0)
    findings.ok(
      `All ${answered.length} nodes answer: ${answered.map(({ member }) => member.id).join(', ')}.`,
    );
}

function roles(members: readonly Inspected['member'][], findings: Findings): void {
  for (const role of ['connection', 'message', 'group'] as const) {
    const leases = members.flatMap((member) => member.leases.filter((lease) => lease.role === role));
    const ready = leases.filter(({ state }) => state === 'ready').length;
    if (ready === 0) findings.error(`No ${role} node is ready.`, `Start one with the role ${role}.`);
    else if (ready === 1 && role !== 'group')
      findings.warning(
        `Only one ${role} node is ready: when it dies, nobody takes over.`,
        `Start another one with the role ${role}.`,
      );
    for (const { id, state } of leases)
      if (state !== 'ready')
        findings.warning(`${id} is ${state} as a ${role} node.`, 'Where it stays so, look at its log.');
  }
}

function agreement(answered: readonly Inspected[], findings: Findings): void {
  const figures = answered.flatMap(({ answer }) => (answer.figures === undefined ? [] : [answer.figures]));
  differ(figures, 'versions', ({ version: of }) => of, findings, {
    severity: 'warning',
    advice: 'Finish the upgrade: restart the older nodes one by one.',
  });
  differ(figures, 'epochs of the store', ({ storeEpoch }) => storeEpoch, findings, {
    severity: 'error',
    advice:
      'Where a store was just restored, wait some seconds; otherwise nodes use different databases: compare their PARLEY_MYSQL_URL.',
  });
  const sharing = figures.filter(({ roles: plays }) =>
    plays.some((role) => role === 'message' || role === 'connection'),
  );
  differ(sharing, 'views of who owns conversations', ({ owners }) => [...owners].sort().join(' '), findings, {
    severity: 'error',
    advice:
      'For some seconds after a node came or went that is as it should be. Where it stays so, two nodes take the same conversations for their own (the store fences them): see whether all reach the same Redis.',
  });
  const own = version();
  const others = figures.filter(({ version: of }) => of !== own);
  if (others.length > 0 && others.length === figures.length)
    findings.warning(
      `This program is ${own}, the nodes are ${others[0]?.version}.`,
      'Run the doctor of their version.',
    );
  for (const { nodeId, directoryAvailable, message } of figures) {
    if (!directoryAvailable)
      findings.error(`${nodeId} does not reach Redis.`, 'See its network, and its PARLEY_REDIS_URL.');
    if (message?.storeAccepting === false)
      findings.error(
        `The store of ${nodeId} takes no commits.`,
        'Look at its log for the reason: a full disk, or a database that is away.',
      );
  }
}

function differ(
  figures: readonly NodeFigures[],
  what: string,
  valueOf: (figures: NodeFigures) => string,
  findings: Findings,
  { severity, advice }: { readonly severity: 'warning' | 'error'; readonly advice: string },
): void {
  const values = new Map<string, string[]>();
  for (const each of figures) {
    const value = valueOf(each);
    if (value !== '') values.set(value, [...(values.get(value) ?? []), each.nodeId]);
  }
  if (values.size < 2) return;
  const told = [...values].map(([value, ids]) => `${ids.join(', ')} (${value})`).join('; ');
  findings[severity](`The nodes have different ${what}: ${told}.`, advice);
}

function clocks(answered: readonly Inspected[], findings: Findings): void {
  for (const { member, answer, answeredAtMs, roundTripMs } of answered) {
    if (answer.figures === undefined) continue;
    const skewMs = Number(answer.figures.nowMs) - (answeredAtMs - roundTripMs / 2);
    const sureMs = Math.abs(skewMs) - roundTripMs / 2;
    if (sureMs < skewWarningMs) continue;
    const words = `The clock of ${member.id} and that of this machine differ by ${Math.round(skewMs)} ms.`;
    const advice = 'Have both keep time by NTP (chrony, systemd-timesyncd).';
    if (sureMs > skewErrorMs) findings.error(words, advice);
    else findings.warning(words, advice);
  }
}
