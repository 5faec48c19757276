import { Bridge } from '../bridge/bridge.ts';
import { Upstream } from '../bridge/upstream.ts';
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
  const telemetry = new Telemetry({ config: config.telemetry, meters, log });
  const upstream = new Upstream({
    config: { urls: config.upstream.urls, clusterToken: config.node.clusterToken },
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
