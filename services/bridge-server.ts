import { Bridge } from '../bridge/bridge.ts';
import { Upstream } from '../bridge/upstream.ts';
import { ConfigError } from './core/config.ts';
import type { TlsSource } from './core/certificates.ts';
import type { Logger } from './core/log.ts';
import { Meters } from './core/meters.ts';
import { nodeName } from './core/node-name.ts';
import { Readiness } from './core/readiness.ts';
import { type Service, startAll, type StopReason, stopAll } from './core/service.ts';
import { Telemetry } from './core/telemetry.ts';
import { openCertificates } from './open-certificates.ts';
import type { Config } from './options.ts';
import { registerBridgeMeters, registerRoles } from './register-meters.ts';

export interface BridgeServer {
  readonly ports: { readonly http: number; readonly ws: number; readonly metrics: number };
  stop(reason: StopReason): Promise<void>;
}

/** A bridge as a process of its own, attached to the node port of a connection node. */
export async function startBridge(config: Config, log: Logger): Promise<BridgeServer> {
  const { mode, host } = config.core;
  const meters = new Meters();
  const certificates = await openCertificates(config, log, meters, {
    http: true,
    grpc: false,
    engines: false,
  });
  const tls = certificates.links;
  checkUpstream(config.upstream.urls, tls);
  const node = { id: nodeName(config.cluster.nodeId), roles: ['bridge'] };
  const readiness = new Readiness();
  const telemetry = new Telemetry({
    config: config.telemetry,
    traces: config.trace,
    node,
    meters,
    readiness,
    tls: certificates.metrics,
    log,
  });
  const { tracer } = telemetry;
  const upstream = new Upstream({
    config: { urls: config.upstream.urls, clusterToken: config.node.clusterToken, tls },
    log,
  });
  readiness.needs('noConnectionNode', () => upstream.isAttached);
  const bridge = new Bridge({
    config: config.bridge,
    mode,
    host,
    log,
    sessions: upstream,
    rpc: upstream.rpc,
    tracer,
    tls: certificates.http,
    readiness,
  });
  registerRoles(meters, readiness, 'bridge');
  registerBridgeMeters(meters, bridge);
  const services: Service[] = [certificates.watch, telemetry, upstream, bridge];
  await startAll(services);
  readiness.ready();
  return {
    ports: { http: bridge.httpPort, ws: bridge.wsPort, metrics: telemetry.address.port },
    stop: (reason) => {
      readiness.draining();
      return stopAll(services, reason, config.process.drainMs);
    },
  };
}

/** Throws a ConfigError where a bridge would speak in clear to nodes that it has a certificate for, or could not speak. */
function checkUpstream(urls: readonly string[], tls: TlsSource | undefined): void {
  const scheme = tls === undefined ? 'http:' : 'https:';
  const others = urls.filter((url) => !url.startsWith(scheme));
  if (others.length === 0) return;
  const why = tls === undefined ? 'PARLEY_LINK_TLS_CERT is not set' : 'PARLEY_LINK_TLS_CERT is set';
  throw new ConfigError([`PARLEY_UPSTREAM must name ${scheme} URLs, since ${why}: ${others.join(', ')}`]);
}
