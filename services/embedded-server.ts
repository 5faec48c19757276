import { join } from 'node:path';
import { Bridge } from '../bridge/bridge.ts';
import { type EmbeddedStore, openEmbeddedStore } from './adapters/embedded/embedded-store.ts';
import { loadOrCreateKeyFile, parseMasterKeys } from './adapters/embedded/key-file.ts';
import { createUnaryTransport } from './connect/unary-transport.ts';
import { Authenticator } from './connection/auth.ts';
import { ConnectionNode } from './connection/connection-node.ts';
import { loadTokenSecrets } from './connection/token-secrets.ts';
import { Tokens } from './connection/token.ts';
import { systemClock } from './core/clock.ts';
import { checkReach } from './core/core-options.ts';
import type { LogFields, Logger } from './core/log.ts';
import { Meters } from './core/meters.ts';
import { type Service, startAll, type StopReason, stopAll } from './core/service.ts';
import { IdSource } from './core/snowflake.ts';
import { Telemetry } from './core/telemetry.ts';
import { GrpcDoor } from './grpc/grpc-door.ts';
import { GroupNode } from './group/group-node.ts';
import { MessageNode } from './message/message-node.ts';
import type { Config } from './options.ts';
import { connectDirect } from './peer/direct-link.ts';
import type { EdgeFrame, OwnerFrame } from './peer/edge-frames.ts';
import type { GroupDecisionFrame, GroupRequestFrame } from './peer/group-frames.ts';
import { registerMeters } from './register-meters.ts';

export interface EmbeddedServer {
  /** The ports as they are, where free ones were asked for. */
  readonly ports: {
    readonly http: number;
    readonly ws: number;
    readonly grpc: number;
    readonly metrics: number;
  };
  stop(reason: StopReason): Promise<void>;
}

const linkBytes = 256 * 1024 * 1024;

/** All roles in one process on the embedded store, over direct links. */
export async function startEmbedded(config: Config, log: Logger): Promise<EmbeddedServer> {
  const { mode, host, dataDir } = config.core;
  checkReach(mode, { PARLEY_HOST: host, PARLEY_METRICS_HOST: config.telemetry.host });
  const clock = systemClock;
  const secrets = await loadTokenSecrets({ mode, secrets: config.auth.secrets, dataDir });
  const store = await openStore(config, log);
  try {
    const ids = await leaseIds(store, clock);
    const tokens = new Tokens(secrets, clock);
    const auth = new Authenticator({ mode, tokens, clock });
    const incarnation = Number(ids.source.next() >> 12n);
    const message = new MessageNode({ config: config.message, store, ids: ids.source, clock, incarnation });
    const group = new GroupNode({ log });
    const connection = new ConnectionNode({
      config: config.connection,
      mode,
      clock,
      auth,
      tokens,
      log,
      epoch: () => store.epoch,
      random: Math.random,
    });
    connectDirect<GroupRequestFrame, GroupDecisionFrame>({
      a: (link) => message.connectGroup(link),
      b: (link) => group.accept(link),
      limitBytes: linkBytes,
    });
    connectDirect<EdgeFrame, OwnerFrame>({
      a: (link) => connection.connectMessages(link),
      b: (link) => message.acceptEdge(link),
      limitBytes: linkBytes,
    });
    const meters = new Meters();
    const telemetry = new Telemetry({ config: config.telemetry, meters, log });
    const grpc = new GrpcDoor({
      config: { ...config.grpc, mode, host },
      log,
      meters,
      sessions: connection,
      unary: connection,
    });
    const rpc = createUnaryTransport(connection);
    const bridge = new Bridge({ config: config.bridge, mode, host, log, sessions: connection, rpc });
    registerMeters(meters, { message, group, connection, bridge });
    const services: Service[] = [telemetry, ids, group, message, connection, grpc, bridge];
    await startAll(services);
    return {
      ports: {
        http: bridge.httpPort,
        ws: bridge.wsPort,
        grpc: grpc.address.port,
        metrics: telemetry.address.port,
      },
      stop: async (reason) => {
        await stopAll(services, reason, config.process.drainMs);
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** The embedded store as configured; for `check`, too. */
export async function openStore(config: Config, log: Logger): Promise<EmbeddedStore> {
  const { dataDir } = config.core;
  const { masterKeys, cacheBytes } = config.store;
  const keys =
    masterKeys === ''
      ? await loadOrCreateKeyFile(join(dataDir, 'master.keys'))
      : parseMasterKeys(masterKeys.replaceAll(':', ' ').replaceAll(',', '\n'), 'PARLEY_MASTER_KEYS');
  const { failpoints, traceFd, noSync } = config.test;
  return openEmbeddedStore({
    directory: join(dataDir, 'store'),
    masterKeys: keys,
    log: {
      info: (fields, text) => log.info(text, fields as LogFields),
      warn: (fields, text) => log.warn(text, fields as LogFields),
      error: (fields, text) => log.error(text, fields as LogFields),
    },
    cacheBytes,
    failpoints,
    traceFd,
    unsafeNoSync: noSync,
  });
}

async function leaseIds(store: EmbeddedStore, clock: typeof systemClock) {
  const holder = `${process.pid}`;
  const lease = () => store.leaseWorker(holder, clock.wallMs(), clock.wallMs() + 60_000);
  const source = new IdSource({ clock, lease: await lease() });
  let timer: NodeJS.Timeout | undefined;
  return {
    name: 'ids',
    source,
    start: async () => {
      timer = setInterval(
        () =>
          void lease().then(
            (held) => source.renew(held),
            () => {},
          ),
        10_000,
      );
    },
    stop: async () => clearInterval(timer),
  };
}
