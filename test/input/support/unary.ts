import { type DescMethod, fromBinary, fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { ErrorSchema } from '../../../gen/parley/chat/v1/error_pb.ts';
import { chatServices } from '../../../services/grpc/chat-services.ts';
import { Rest } from './rest.ts';
import type { Ports } from './visitor.ts';

/** What became of a call: the reason and field that its refusal names, or undefined where it was answered. */
export type Outcome =
  | { readonly reason: string; readonly field: string; readonly message: string }
  | undefined;

/** Unary calls by the doors that take them as they are in the contract. `rpc` is like `MessageService/Send`. */
export class Unary implements Disposable {
  readonly #grpc: Client;
  readonly #connect: Rest;
  readonly #user: string;

  constructor(ports: Ports, user: string) {
    this.#grpc = new Client(`127.0.0.1:${ports.grpc}`, credentials.createInsecure());
    this.#connect = new Rest(ports.http).as(user);
    this.#user = user;
  }

  /** By Connect, in JSON; a text is sent as it is. */
  async connect(rpc: string, request: unknown): Promise<Outcome> {
    const { status, body } = await this.#connect.call('POST', `/parley.chat.v1.${rpc}`, request);
    if (status === 200) return undefined;
    if (status >= 500) throw new Error(`${rpc} was answered ${status}: ${JSON.stringify(body)}`);
    const [detail] = (body.details ?? []) as { value?: string }[];
    return outcomeOf(Buffer.from(detail?.value ?? '', 'base64'));
  }

  /** By gRPC; bytes are sent as they are. */
  grpc(rpc: string, request: JsonValue | Uint8Array): Promise<Outcome> {
    const bytes = request instanceof Uint8Array ? request : encoded(rpc, request);
    const metadata = new Metadata();
    metadata.set('parley-user', encodeURIComponent(this.#user));
    return new Promise((resolve) => {
      this.#grpc.makeUnaryRequest(
        `/parley.chat.v1.${rpc}`,
        () => Buffer.from(bytes),
        (answer) => answer,
        undefined,
        metadata,
        (failure) => resolve(failure === null ? undefined : outcomeOf(detailOf(failure))),
      );
    });
  }

  [Symbol.dispose](): void {
    this.#grpc.close();
  }
}

function encoded(rpc: string, request: JsonValue): Uint8Array {
  const [service, name] = rpc.split('/');
  const method: DescMethod | undefined = chatServices
    .find(({ typeName }) => typeName === `parley.chat.v1.${service}`)
    ?.methods.find((each) => each.name === name);
  if (method === undefined) throw new Error(`there is no ${rpc}`);
  return toBinary(method.input, fromJson(method.input, request));
}

function detailOf(failure: ServiceError): Uint8Array {
  const [detail] = failure.metadata.get('parley-error-bin');
  return Buffer.isBuffer(detail) ? detail : new Uint8Array(0);
}

function outcomeOf(detail: Uint8Array): Outcome {
  const { reason, field, message } = fromBinary(ErrorSchema, detail);
  return { reason, field, message };
}
