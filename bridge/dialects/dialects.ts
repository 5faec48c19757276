import type { Transport } from '@connectrpc/connect';
import type { Clock } from '../../services/core/clock.ts';
import type { Dialect } from './dialect.ts';
import { jsonDialect } from './json.ts';
import { PeerCache } from './peer-cache.ts';
import { PlainDialect } from './plain.ts';
import { protoDialect } from './proto.ts';

/** The dialects of one bridge. */
export class Dialects {
  /** Spoken by sockets that ask for no subprotocol. */
  readonly plain: PlainDialect;
  readonly #byProtocol = new Map<string, Dialect>([
    ['parley.v1.proto', protoDialect],
    ['parley.v1.json', jsonDialect],
  ]);

  constructor(rpc: Transport, clock: Clock) {
    this.plain = new PlainDialect(new PeerCache(rpc), clock);
  }

  get protocols(): readonly string[] {
    return [...this.#byProtocol.keys()];
  }

  of(protocol: string): Dialect | undefined {
    return this.#byProtocol.get(protocol);
  }

  stop(): void {
    this.plain.stop();
  }
}
