import { Bridge } from '../bridge/bridge.ts';
import { Upstream } from '../bridge/upstream.ts';
import { ConfigError } from './core/config.ts';
import { type LinkTls, loadLinkTls } from './core/link-tls.ts';
import type { Logger } from './core/log.ts';
import { Meters } from './core/meters.ts';
import { type Service, startAll, type StopReason, stopAll } from './core/service.ts';
import { Telemetry } from './core/telemetry.ts';
import type { Config } from './options.ts';
import { registerBridgeMeters } from './register-meters.ts';

export interface BridgeServer {
  readonly ports: { readonly http: number; readonly ws: number; readonly metrics: number };
  stop(reason: StopReason): Promise<void>;
}

/** A bridge as a process of its own, attached to the node port of a connection node. */
export async function startBridge(config: Config, log: Logger): Promise<BridgeServer> {
  const { mode, host } = config.core;
  const meters = new Meters();
  const tls = await loadLinkTls(config.linkTls);
  checkUpstream(config.upstream.urls, tls);
  const telemetry = new Telemetry({ config: config.telemetry, meters, log });
  const upstream = new Upstream({
    config: { urls: config.upstream.urls, clusterToken: config.node.clusterToken, tls },
    log,
  });
  const bridge = new Bridge({
    config: config.bridge,
    mode,
    host,
    log,
    sessions: upstream,
    rpc: upstream.rpc,
  });
  registerBridgeMeters(meters, bridge);
  const services: Service[] = [telemetry, upstream, bridge];
  await startAll(services);
  return {
    ports: { http: bridge.httpPort, ws: bridge.wsPort, metrics: telemetry.address.port },
    stop: (reason) => stopAll(services, reason, config.process.drainMs),
  };
}

/** Throws a ConfigError where a bridge would speak in clear to nodes that it has a certificate for, or could not speak. */
function checkUpstream(urls: readonly string[], tls: LinkTls | undefined): void {
  const scheme = tls === undefined ? 'http:' : 'https:';
  const others = urls.filter((url) => !url.startsWith(scheme));
  if (others.length === 0) return;
  const why = tls === undefined ? 'PARLEY_LINK_TLS_CERT is not set' : 'PARLEY_LINK_TLS_CERT is set';
  throw new ConfigError([`PARLEY_UPSTREAM must name ${scheme} URLs, since ${why}: ${others.join(', ')}`]);
}
