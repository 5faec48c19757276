import { type ChannelCredentials, Client, type MethodDefinition } from '@grpc/grpc-js';
import type { CarrierEvents } from '../peer/dialer.ts';
import type { Carrier } from '../peer/stream-link.ts';
import { linkChannelOptions } from './link-methods.ts';

/** Opens streams to the link port of one other node. Each has a connection of its own, so that a try is a new one. */
export class LinkClient {
  readonly #address: string;
  readonly #credentials: () => ChannelCredentials;

  constructor(address: string, credentials: () => ChannelCredentials) {
    this.#address = address;
    this.#credentials = credentials;
  }

  dial(method: MethodDefinition<Uint8Array, Uint8Array>, events: CarrierEvents): Carrier {
    const client = new Client(this.#address, this.#credentials(), {
      ...linkChannelOptions,
      'grpc.use_local_subchannel_pool': 1,
      // TLS has no names for addresses, and the names of nodes are not looked at.
      'grpc.ssl_target_name_override': 'node',
      // We come back by ourselves, with waits of our own.
      'grpc.enable_retries': 0,
    });
    const { path, requestSerialize, responseDeserialize } = method;
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    let over = false;
    const gone = (reason: string): void => {
      if (over) return;
      over = true;
      client.close();
      events.gone(reason);
    };
    call.on('data', (message: Uint8Array) => events.message(message));
    call.on('error', (error) => gone(error.message));
    call.on('end', () => gone('ended'));
    return {
      write: (message, written) => void call.write(message, written),
      hangUp: () => {
        call.cancel();
        gone('hungUp');
      },
    };
  }
}
