import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { BackupDoor } from './archive/backup-door.ts';
import { ClientDoors } from './client-doors.ts';
import { ConnectionNode } from './connection/connection-node.ts';
import { Tokens } from './connection/token.ts';
import type { Secrets } from './connection/token-secrets.ts';
import { systemClock } from './core/clock.ts';
import { Failpoints } from './core/failpoint.ts';
import type { Incarnation } from './core/incarnation.ts';
import type { UserId } from './core/ids.ts';
import { LeaseHolder } from './core/lease-holder.ts';
import type { Logger } from './core/log.ts';
import type { Meters } from './core/meters.ts';
import { QuietCollector } from './core/quiet-collector.ts';
import { Readiness } from './core/readiness.ts';
import { type Service, startAll, type StopReason, stopAll } from './core/service.ts';
import { Telemetry } from './core/telemetry.ts';
import type { Tracer } from './core/tracer.ts';
import { GroupNode } from './group/group-node.ts';
import { MessageNode } from './message/message-node.ts';
import type { Relay } from './message/relay/relay.ts';
import { OutboxWork } from './message/relay/outbox-work.ts';
import type { OpenedCertificates } from './open-certificates.ts';
import type { OpenedDirectory } from './open-directory.ts';
import { openEventLog } from './open-events.ts';
import { openPush } from './open-push.ts';
import { backupSocket, type OpenStore } from './open-store.ts';
import type { EventLog } from './ports/event-log.ts';
import { NodeAdministration } from './node-administration.ts';
import type { RunningParts } from './node-sources.ts';
import type { Administration } from './peer/administration.ts';
import type { Config } from './options.ts';
import { connectDirect } from './peer/direct-link.ts';
import type { EdgeFrame, OwnerFrame } from './peer/edge-frames.ts';
import type { GroupDecisionFrame, GroupRequestFrame } from './peer/group-frames.ts';
import { type PushAims, webPushKey } from './push-aims.ts';
import { registerOutboxMeters, registerPushMeters } from './register-push-meters.ts';
import {
  registerAdminMeters,
  registerBackupMeters,
  registerDirectoryMeters,
  registerLeaseMeters,
  registerNodeMeters,
  registerRoles,
  registerStoreMeters,
} from './register-meters.ts';

const linkBytes = 256 * 1024 * 1024;

export interface EmbeddedParts {
  readonly config: Config;
  readonly log: Logger;
  /** False where bridges are processes of their own. */
  readonly bridge: boolean;
  readonly secrets: Secrets;
  readonly meters: Meters;
  readonly certificates: OpenedCertificates;
  readonly aims: PushAims;
  readonly incarnation: Incarnation;
  readonly store: OpenStore;
  readonly opened: OpenedDirectory;
}

/** As they are, where free ones were asked for; 0 for those that are not open. */
export type EmbeddedPorts = Readonly<Record<'http' | 'ws' | 'grpc' | 'node' | 'metrics', number>>;

export interface EmbeddedServices {
  readonly ports: EmbeddedPorts;
  stop(reason: StopReason): Promise<void>;
}

/** Starts all that an embedded server does on its store, which whoever opened it closes after the stop. */
export async function startServices(parts: EmbeddedParts): Promise<EmbeddedServices> {
  const { config, log, bridge, secrets, meters, certificates, aims, incarnation, store, opened } = parts;
  const told = aims.groups.length > 0;
  await using stack = new AsyncDisposableStack();
  const readiness = new Readiness();
  const roles = ['connection', 'message', 'group'];
  if (bridge) roles.unshift('bridge');
  if (told) roles.push('push');
  const nodeId = config.cluster.nodeId === '' ? hostname().slice(0, 64) : config.cluster.nodeId;
  const telemetry = new Telemetry({
    config: config.telemetry,
    traces: config.trace,
    node: { id: nodeId, roles },
    meters,
    readiness,
    tls: certificates.metrics,
    log,
  });
  const { tracer } = telemetry;
  const tokens = new Tokens(secrets, systemClock);
  const events = told ? await openEventLog(config, log, aims.groups) : undefined;
  const outbox = events && outboxOf(store, events, incarnation, log);
  const running: RunningParts = {
    nodeId,
    mode: config.core.mode,
    roles,
    directoryAvailable: () => true,
    store,
    ...(outbox && { outbox }),
  };
  const dial = (): never => {
    throw new Error('a process that is alone knows no others');
  };
  const admin = new NodeAdministration({ config, running, dial, log });
  const { administration } = admin;
  const ofNodes = { config, log, store, opened, tokens, incarnation, administration, tracer };
  const nodes = await linkedNodes({
    ...ofNodes,
    webPushKey: await webPushKey(config),
    relay: outbox?.relay,
  });
  const { connection } = nodes;
  Object.assign(running, { connection, message: nodes.message });
  const doors = new ClientDoors({
    config,
    bridge,
    connection,
    certificates,
    readiness,
    log,
    meters,
    tracer,
  });
  registerNodeMeters(meters, nodes);
  registerLeaseMeters(meters, nodes.ids);
  registerRoles(meters, readiness, ...roles);
  registerStoreMeters(meters, store.meters);
  if (opened.meters !== undefined) registerDirectoryMeters(meters, opened.meters);
  const backups = backupDoorOf(store, config, log);
  if (backups !== undefined) registerBackupMeters(meters, backups.meters);
  // Push starts before the message node and stops after it, so that it hears of all that was committed.
  const services: Service[] = [new QuietCollector(), certificates.watch, telemetry];
  if (events !== undefined && outbox !== undefined) {
    const { message } = nodes;
    const offline = {
      offline: async (users: readonly UserId[]) => users.filter((user) => !message.isOnline(user)),
    };
    const { acks } = message;
    const to = { config, log, aims, events, store, offline, acks, tracer };
    const { push, deadLetters, letters } = await openPush(to);
    stack.defer(() => deadLetters.close());
    registerOutboxMeters(meters, { outbox, events });
    registerPushMeters(meters, { push, deadLetters });
    Object.assign(running, { push, letters });
    services.push(events, push, nodes.ids, outbox);
  } else services.push(nodes.ids);
  services.push(nodes.group, nodes.message, connection);
  if (backups !== undefined) services.push(backups);
  services.push(...doors.services, admin);
  registerAdminMeters(meters, admin);
  await startAll(services);
  readiness.ready();
  const left = stack.move();
  return {
    ports: { ...doors.ports, metrics: telemetry.address.port },
    stop: async (reason) => {
      readiness.draining();
      await stopAll(services, reason, config.process.drainMs);
      await left.disposeAsync();
    },
  };
}

/** A database has programs of its own for that. */
function backupDoorOf(store: OpenStore, config: Config, log: Logger): BackupDoor | undefined {
  if (store.backup === undefined) return undefined;
  return new BackupDoor({
    source: { backup: () => store.backup?.() ?? Promise.reject(new TypeError('no backups of this store')) },
    path: backupSocket(config),
    bytesPerSecond: config.archive.backupBytesPerSecond,
    clock: systemClock,
    log,
  });
}

/** All edges are in this process, and begin anew when it does: what an earlier one left is published, no more. */
function outboxOf(store: OpenStore, events: EventLog, incarnation: Incarnation, log: Logger): OutboxWork {
  return new OutboxWork({
    store,
    events,
    incarnation: () => incarnation.name,
    linked: () => true,
    adopts: () => true,
    forward: async (rows) => new Set(rows.map(({ batchId }) => batchId)),
    clock: systemClock,
    random: Math.random,
    log,
    limits: { keepMs: 0 },
  });
}

/** The three nodes, joined by direct links. */
async function linkedNodes(parts: {
  readonly config: Config;
  readonly log: Logger;
  readonly store: OpenStore;
  readonly opened: OpenedDirectory;
  readonly tokens: Tokens;
  readonly webPushKey: Uint8Array | undefined;
  readonly incarnation: Incarnation;
  readonly relay: Relay | undefined;
  readonly administration: Administration;
  readonly tracer: Tracer;
}) {
  const { config, log, store, tokens, relay, tracer } = parts;
  const { directory } = parts.opened;
  const clock = systemClock;
  const { mode } = config.core;
  const ids = await LeaseHolder.take({
    store,
    clock,
    incarnation: parts.incarnation,
    onFailure: (error) => log.warn('the id lease was not renewed', { 'event.action': 'lease-failed' }, error),
  });
  // Runs are told apart by when they began; 51 bits of an id are time and worker.
  const incarnation = Number(ids.source.next() >> 12n);
  const failpoints = Failpoints.parse(config.test.failpoints);
  const message = new MessageNode({
    config: config.message,
    store,
    devices: store.devices,
    ids: ids.source,
    clock,
    incarnation,
    log,
    failpoints,
    relay,
    tracer,
  });
  const group = new GroupNode({ log, tracer });
  const connection = new ConnectionNode({
    config: config.connection,
    mode,
    clock,
    tokens,
    nodeId: randomUUID(),
    webPushKey: parts.webPushKey,
    directory,
    administration: parts.administration,
    log,
    random: Math.random,
    failpoints,
    tracer,
    traces: config.trace,
  });
  connectDirect<GroupRequestFrame, GroupDecisionFrame>({
    a: (link) => message.connectGroup(link),
    b: (link) => group.accept(link),
    limitBytes: linkBytes,
  });
  connectDirect<EdgeFrame, OwnerFrame>({
    a: (link) => connection.connectMessages(link, 'message', store.epoch),
    b: (link) => message.acceptEdge(link, 'edge'),
    limitBytes: linkBytes,
  });
  return { ids, message, group, connection };
}
