import { AdministrationDesk } from './admin/administration-desk.ts';
import { AuditKeeper } from './admin/audit-keeper.ts';
import { AuditTrail } from './admin/audit-trail.ts';
import { wireAuditRecord } from './admin/audit-wire.ts';
import { ClusterView } from './admin/cluster-view.ts';
import { NodeDesk } from './admin/node-desk.ts';
import { NodeService } from '../gen/parley/node/v1/node_pb.ts';
import { systemClock } from './core/clock.ts';
import type { Logger } from './core/log.ts';
import type { Service } from './core/service.ts';
import { nodeSources, type RunningParts } from './node-sources.ts';
import { type Config, optionTables } from './options.ts';
import type { NodeCaller } from './peer/node-caller.ts';
import type { NodeLeases, NodeRecord, NodeRole } from './ports/directory.ts';
import { version } from './version.ts';

export interface NodeAdministrationParts {
  readonly config: Config;
  readonly running: RunningParts;
  /** Undefined: this process is alone. */
  readonly leases?: NodeLeases;
  /** Nodes that this process keeps links to, as it saw them last. */
  readonly seen?: () => readonly NodeRecord[];
  readonly dial: (address: string, nodeId: string) => NodeCaller;
  readonly log: Logger;
}

const optionsADetail = 6;
const dayMs = 86_400_000;

/** What this process does for those who administer the cluster; started when all else is. */
export class NodeAdministration implements Service {
  readonly name = 'administration';
  readonly desk: NodeDesk;
  readonly administration: AdministrationDesk;
  readonly trail: AuditTrail;
  readonly #parts: NodeAdministrationParts;
  #keeper: AuditKeeper | undefined;

  constructor(parts: NodeAdministrationParts) {
    const { running, leases, seen, dial, log } = parts;
    const { nodeId } = running;
    const clock = systemClock;
    this.#parts = parts;
    this.desk = new NodeDesk({ sources: nodeSources(running), clock });
    const roles = running.roles as readonly NodeRole[];
    const view = new ClusterView({ clock, nodeId, roles, self: this.desk, leases, seen, dial });
    const audit = {
      write: async (shelf, records) => {
        const issuedTokens = shelf === 'issuedTokens';
        const request = { records: records.map(wireAuditRecord), issuedTokens };
        await view.any('message', NodeService.method.writeAudit, request);
      },
    } satisfies ConstructorParameters<typeof AuditTrail>[0]['audit'];
    this.trail = new AuditTrail({ audit, nodeId, clock, log });
    this.administration = new AdministrationDesk({ view, trail: this.trail, clock });
  }

  /** Records that went because they were too old, or too many. */
  get trimmed(): number {
    return this.#keeper?.trimmed ?? 0;
  }

  async start(): Promise<void> {
    const { config, running, log } = this.#parts;
    const { auditKeepDays, auditRecords } = config.admin;
    if (running.store !== undefined) {
      const retention = { keepMs: auditKeepDays * dayMs, most: auditRecords };
      this.#keeper = new AuditKeeper({ audit: running.store.audit, retention, clock: systemClock, log });
      await this.#keeper.start();
    }
    this.trail.note({
      action: 'node.start',
      target: running.nodeId,
      details: {
        roles: running.roles.join(' '),
        version: version(),
        mode: running.mode,
        ...optionDetails(changedOptions(config)),
      },
    });
  }

  async stop(): Promise<void> {
    await this.#keeper?.stop();
    await this.trail.stop();
  }
}

/** As many to a detail as it has room for. */
function optionDetails(names: readonly string[]): Record<string, string> {
  const details: Record<string, string> = {};
  for (let at = 0; at < names.length; at += optionsADetail)
    details[`options ${at / optionsADetail + 1}`] = names.slice(at, at + optionsADetail).join(' ');
  return details;
}

/** The variables that say something else than their default; what they say may be secret, and is nobody's here. */
function changedOptions(config: Config): string[] {
  return Object.entries(optionTables).flatMap(([part, table]) =>
    Object.entries(table)
      .filter(([name, declared]) => {
        const values = config[part as keyof Config] as Readonly<Record<string, unknown>>;
        return JSON.stringify(values[name]) !== JSON.stringify(declared.default);
      })
      .map(([, { env }]) => env),
  );
}
