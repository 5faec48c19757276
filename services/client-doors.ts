import { randomUUID } from 'node:crypto';
import { Bridge } from '../bridge/bridge.ts';
import { ConnectServer } from './connect/connect-server.ts';
import { createUnaryTransport } from './connect/unary-transport.ts';
import type { ConnectionNode } from './connection/connection-node.ts';
import type { Logger } from './core/log.ts';
import type { Meters } from './core/meters.ts';
import type { Readiness } from './core/readiness.ts';
import type { Service } from './core/service.ts';
import type { Tracer } from './core/tracer.ts';
import { GrpcDoor } from './grpc/grpc-door.ts';
import type { OpenedCertificates } from './open-certificates.ts';
import type { Config } from './options.ts';
import { registerBridgeMeters } from './register-meters.ts';

export interface ClientDoorsInit {
  readonly config: Config;
  /** Whether browsers come in here, too, and not by a bridge of its own alone. */
  readonly bridge: boolean;
  readonly connection: ConnectionNode;
  readonly certificates: OpenedCertificates;
  readonly readiness: Readiness;
  readonly log: Logger;
  readonly meters: Meters;
  readonly tracer: Tracer;
}

/** Where clients come in: gRPC always, browsers and bridges as configured. */
export class ClientDoors {
  readonly #grpc: GrpcDoor;
  readonly #bridge: Bridge | undefined;
  /** For bridges apart, and for services. */
  readonly #connect: ConnectServer | undefined;

  constructor({ config, bridge, connection, certificates, readiness, log, meters, tracer }: ClientDoorsInit) {
    const { mode, host } = config.core;
    const parts = { log, meters, sessions: connection, unary: connection, tracer };
    this.#grpc = new GrpcDoor({ ...parts, config: { ...config.grpc, mode, host }, tls: certificates.grpc });
    if (bridge) {
      this.#bridge = new Bridge({
        config: config.bridge,
        mode,
        host,
        log,
        sessions: connection,
        rpc: createUnaryTransport(connection),
        tracer,
        tls: certificates.http,
        readiness,
      });
      registerBridgeMeters(meters, this.#bridge);
    }
    if (!bridge || config.node.clusterToken !== '')
      this.#connect = new ConnectServer({
        ...parts,
        config: config.node,
        tls: certificates.links,
        mode,
        nodeId: randomUUID(),
      });
  }

  get services(): readonly Service[] {
    return [this.#grpc, this.#connect, this.#bridge].filter((door) => door !== undefined);
  }

  /** Takes no clients in until `reopen`, and ends what is open. Bridges apart are told to find another node. */
  shut(): void {
    this.#grpc.shut();
    this.#bridge?.shut();
    this.#connect?.shut();
  }

  /** On the same ports. Rejects where one can't be had: then all are shut. */
  async reopen(): Promise<void> {
    await this.#grpc.reopen();
    try {
      await this.#bridge?.reopen();
    } catch (error) {
      this.#grpc.shut();
      throw error;
    }
    this.#connect?.reopen();
  }

  /** As they are once the services have started; 0 for those that are not open. */
  get ports(): Readonly<Record<'http' | 'ws' | 'grpc' | 'node', number>> {
    return {
      http: this.#bridge?.httpPort ?? 0,
      ws: this.#bridge?.wsPort ?? 0,
      grpc: this.#grpc.address.port,
      node: this.#connect?.port ?? 0,
    };
  }
}
