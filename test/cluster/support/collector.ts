import { BinaryReader } from '@bufbuild/protobuf/wire';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { until } from '../../e2e/support/until.ts';

type Value = string | number | boolean;

/** A span as it was exported. Ids in hex; no parent: empty. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly name: string;
  /** OpenTelemetry's number: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: ReadonlyMap<string, Value>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly failed: boolean;
  /** Of the process. */
  readonly node: string;
}

/** A collector of spans by OTLP, protobuf over HTTP. */
export class Collector implements AsyncDisposable {
  readonly spans: CollectedSpan[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  static async open(): Promise<Collector> {
    const collector = new Collector();
    collector.#server.listen(0, '127.0.0.1');
    await once(collector.#server, 'listening');
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Those of a trace. */
  trace(traceId: string): Trace {
    return new Trace(this.spans.filter((span) => span.traceId === traceId));
  }

  /** The span of this name that has these attributes, once it has come. */
  async find(name: string, attributes: Readonly<Record<string, Value>>): Promise<CollectedSpan> {
    let found: CollectedSpan | undefined;
    await until(
      () => {
        found = this.spans.find((span) => span.name === name && has(span, attributes));
        return found !== undefined;
      },
      () => `no span ${name} with ${JSON.stringify(attributes)}`,
    );
    return found as CollectedSpan;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const isOurs =
      request.url === '/v1/traces' && request.headers['content-type'] === 'application/x-protobuf';
    if (!isOurs) {
      response.writeHead(404).end();
      return;
    }
    const isZipped = request.headers['content-encoding'] === 'gzip';
    this.spans.push(...spansOf(isZipped ? gunzipSync(body) : body));
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  }
}

/** The spans of one trace, as they hang together. */
export class Trace {
  readonly spans: readonly CollectedSpan[];

  constructor(spans: readonly CollectedSpan[]) {
    this.spans = spans;
  }

  /** As lines, children below their parents and in the order of their names: `name @node`. */
  get tree(): string[] {
    const ids = new Set(this.spans.map(({ spanId }) => spanId));
    const lines = (parents: readonly CollectedSpan[], depth: number): string[] =>
      parents
        .map((span) => ({ span, line: `${'  '.repeat(depth)}${span.name} @${span.node}` }))
        .sort((one, other) => (one.line < other.line ? -1 : 1))
        .flatMap(({ span, line }) => [
          line,
          ...lines(
            this.spans.filter(({ parentId }) => parentId === span.spanId),
            depth + 1,
          ),
        ]);
    return lines(
      this.spans.filter(({ parentId }) => !ids.has(parentId)),
      0,
    );
  }
}

export function has({ attributes }: CollectedSpan, wanted: Readonly<Record<string, Value>>): boolean {
  return Object.entries(wanted).every(([name, value]) => attributes.get(name) === value);
}

/** The fields of a message by number, each as often as it came. */
function fieldsOf(bytes: Uint8Array): Map<number, (Uint8Array | bigint | number)[]> {
  const fields = new Map<number, (Uint8Array | bigint | number)[]>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const value =
      wireType === 2
        ? reader.bytes()
        : wireType === 1
          ? BigInt(reader.fixed64())
          : wireType === 0
            ? BigInt(reader.uint64())
            : reader.fixed32();
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}

type Fields = ReturnType<typeof fieldsOf>;

const messages = (fields: Fields, number: number): Fields[] =>
  (fields.get(number) ?? []).map((bytes) => fieldsOf(bytes as Uint8Array));
const bytesOf = (fields: Fields, number: number): Buffer =>
  Buffer.from((fields.get(number)?.[0] as Uint8Array | undefined) ?? new Uint8Array(0));
const hex = (fields: Fields, number: number): string => bytesOf(fields, number).toString('hex');
const text = (fields: Fields, number: number): string => bytesOf(fields, number).toString();
const whole = (fields: Fields, number: number): bigint =>
  (fields.get(number)?.[0] as bigint | undefined) ?? 0n;

/** By field numbers of opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest. */
export function spansOf(request: Uint8Array): CollectedSpan[] {
  return messages(fieldsOf(request), 1).flatMap((resourceSpans) => {
    const [resource] = messages(resourceSpans, 1);
    const node = String(attributesOf(resource ?? new Map(), 1).get('service.instance.id'));
    return messages(resourceSpans, 2)
      .flatMap((scopeSpans) => messages(scopeSpans, 2))
      .map((span) => spanOf(span, node));
  });
}

function spanOf(span: Fields, node: string): CollectedSpan {
  const [status] = messages(span, 15);
  return {
    traceId: hex(span, 1),
    spanId: hex(span, 2),
    parentId: hex(span, 4),
    name: text(span, 5),
    kind: Number(whole(span, 6)),
    startNs: whole(span, 7),
    endNs: whole(span, 8),
    attributes: attributesOf(span, 9),
    links: messages(span, 13).map((link) => ({ traceId: hex(link, 1), spanId: hex(link, 2) })),
    failed: status !== undefined && whole(status, 3) === 2n,
    node,
  };
}

function attributesOf(fields: Fields, number: number): Map<string, Value> {
  return new Map(
    messages(fields, number).map((pair) => {
      const [value = new Map()] = messages(pair, 2) as [Fields?];
      return [text(pair, 1), valueOf(value)] as const;
    }),
  );
}

function valueOf(value: Fields): Value {
  if (value.has(1)) return text(value, 1);
  if (value.has(2)) return whole(value, 2) === 1n;
  if (value.has(3)) return Number(BigInt.asIntN(64, whole(value, 3)));
  return Buffer.from(new BigUint64Array([whole(value, 4)]).buffer).readDoubleLE();
}
