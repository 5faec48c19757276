import type { Server, ServerWritableStream } from '@grpc/grpc-js';
import { HealthImplementation, service as healthService } from 'grpc-health-check';
import { chatServices } from './chat-services.ts';

const names = ['', ...chatServices.map((service) => service.typeName)];

/** grpc.health.v1, for probes and load balancers: the server as a whole (the empty name) and each service. */
export class Health {
  readonly #health = new HealthImplementation();

  constructor() {
    this.set('NOT_SERVING');
  }

  set(status: 'SERVING' | 'NOT_SERVING'): void {
    for (const name of names) this.#health.setStatus(name, status);
  }

  addTo(server: Server): void {
    this.#health.addToServer({
      addService: (service, handlers) => {
        const watch = handlers.watch as (call: WatchCall) => void;
        server.addService(service, { ...handlers, watch: (call: WatchCall) => watchKnown(call, watch) });
      },
    });
  }
}

type WatchCall = ServerWritableStream<{ service: string }, { status: string }>;

/** The library keeps every name that was ever watched; names that are nobody's never get that far. */
function watchKnown(call: WatchCall, watch: (call: WatchCall) => void): void {
  if (names.includes(call.request.service)) watch(call);
  else call.write({ status: 'SERVICE_UNKNOWN' });
}

/** The descriptors of its messages, for reflection. */
export const healthDescriptors: Buffer[] = Object.values(healthService).flatMap(
  (method) => method.requestType.fileDescriptorProtos,
);
export const healthServiceName = 'grpc.health.v1.Health';
