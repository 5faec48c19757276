import { loadTokenSecrets } from './connection/token-secrets.ts';
import { checkReach } from './core/core-options.ts';
import { Incarnation } from './core/incarnation.ts';
import type { Logger } from './core/log.ts';
import { Meters } from './core/meters.ts';
import type { StopReason } from './core/service.ts';
import type { EmbeddedPorts } from './embedded-services.ts';
import { openCertificates } from './open-certificates.ts';
import { openDirectory } from './open-directory.ts';
import { openStore } from './open-store.ts';
import type { Config } from './options.ts';
import { configuredAims } from './push-aims.ts';

export interface EmbeddedServer {
  readonly ports: EmbeddedPorts;
  readonly meters: Meters;
  stop(reason: StopReason): Promise<void>;
}

/**
 * The roles connection, message and group, push where somebody is to be told, and the bridge unless bridges are processes
 * of their own, in one process.
 */
export async function startEmbedded(
  config: Config,
  log: Logger,
  { bridge }: { readonly bridge: boolean } = { bridge: true },
): Promise<EmbeddedServer> {
  const { mode, host, dataDir } = config.core;
  checkReach(mode, { PARLEY_HOST: host, PARLEY_METRICS_HOST: config.telemetry.host });
  const secrets = await loadTokenSecrets({ mode, secrets: config.auth.secrets, dataDir });
  const meters = new Meters();
  const uses = { http: bridge, grpc: true, engines: true };
  const certificates = await openCertificates(config, log, meters, uses);
  const aims = await configuredAims(config, log);
  const incarnation = new Incarnation();
  await using stack = new AsyncDisposableStack();
  // The store's lock keeps a second process out of the data directory, the directory's file included. Where nobody is
  // told of commits, nothing is kept for nobody.
  const opening = openStore(config, log, { incarnation: aims.groups.length > 0 ? incarnation : undefined });
  // The store has a thread of its own, which opens it while this one loads what serves it: the longer part of a start.
  const loading = import('./embedded-services.ts');
  const store = await opening;
  stack.defer(() => store.close());
  const opened = await openDirectory(config, log);
  stack.defer(() => opened.directory.close());
  const { startServices } = await loading;
  const parts = { config, log, bridge, secrets, meters, certificates, aims, incarnation, store, opened };
  const services = await startServices(parts);
  const left = stack.move();
  return {
    ports: services.ports,
    meters,
    stop: async (reason) => {
      await services.stop(reason);
      await left.disposeAsync();
    },
  };
}
