import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { routes } from '../../../bridge/rest/routes.ts';
import { unaryServices } from '../../../services/grpc/chat-services.ts';
import { HostileJson } from './hostile-json.ts';
import { HostileValues } from './hostile-values.ts';
import type { Random } from './random.ts';

export interface HostileCall {
  readonly method: string;
  readonly path: string;
  readonly body: string | Uint8Array | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

const methods = unaryServices.flatMap((service) => service.methods);
const oddHeaders: readonly Readonly<Record<string, string>>[] = [
  { 'content-type': 'text/plain' },
  { 'content-type': 'application/json; charset=utf-16' },
  { 'content-encoding': 'gzip' },
  { authorization: 'Bearer a.b.c' },
  { authorization: 'Basic YTpi' },
  { 'connect-timeout-ms': '-1' },
  { 'connect-timeout-ms': '99999999999' },
  { 'connect-protocol-version': '7' },
  { 'idempotency-key': 'x'.repeat(65) },
  { 'idempotency-key': 'same' },
  { 'parley-user': '%00' },
  { 'parley-user': '%zz' },
  { 'parley-user': 'x'.repeat(200) },
];

/** Calls of REST and of Connect: made of what the contract says, and of what it doesn't. */
export class HostileCalls {
  readonly #random: Random;
  readonly #values: HostileValues;
  readonly #json: HostileJson;

  constructor(random: Random) {
    this.#random = random;
    this.#values = new HostileValues(random);
    this.#json = new HostileJson(random);
  }

  rest(): HostileCall {
    const random = this.#random;
    const route = random.pick(routes);
    const steps = route.path.replace(/\{\w+\}/g, () => this.#step());
    const query = random.chance(0.7) ? '' : `?${this.#names(Object.keys(route.query.shape)).join('&')}`;
    const fields = Object.keys(route.body?.shape ?? {});
    const body = route.body === undefined && random.chance(0.9) ? undefined : this.#body(fields);
    const method = random.chance(0.95)
      ? route.method
      : random.pick(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);
    const fits = method !== 'GET' ? body : undefined;
    return { method, path: `${steps}${query}`, body: fits, headers: this.#headers() };
  }

  connect(): HostileCall {
    const method = this.#random.pick(methods);
    const path = `/${method.parent.typeName}/${method.name}`;
    if (this.#random.chance(0.1)) {
      const headers = { ...this.#headers(), 'content-type': 'application/proto' };
      return { method: 'POST', path, body: this.#random.bytes(this.#random.below(60)), headers };
    }
    const body = JSON.stringify(this.#message(method.input, 0));
    return { method: 'POST', path, body: this.#spoilt(body), headers: this.#headers() };
  }

  #headers(): Readonly<Record<string, string>> {
    const random = this.#random;
    const usual = { 'content-type': 'application/json', 'parley-user': `mallory ${random.below(40)}` };
    return random.chance(0.9) ? usual : { ...usual, ...random.pick(oddHeaders) };
  }

  #step(): string {
    // Lone dots are taken for steps by whoever sends them.
    const step = encodeURIComponent(this.#values.id()).replace(/^\.+$/, 'own');
    return step === '' || this.#random.chance(0.05) ? '%zz' : step;
  }

  #names(names: readonly string[]): string[] {
    return names.map((name) => `${name}=${encodeURIComponent(String(this.#any()))}`);
  }

  #body(fields: readonly string[]): string {
    const body: Record<string, unknown> = {};
    for (const field of fields) if (this.#random.chance(0.8)) body[field] = this.#any();
    return this.#spoilt(JSON.stringify(body));
  }

  /** The text, or at times another one. */
  #spoilt(text: string): string {
    const random = this.#random;
    if (random.chance(0.85)) return text;
    const { frame } = this.#json.next();
    return random.chance(0.5) && typeof frame === 'string'
      ? frame
      : text.slice(0, random.below(text.length + 1));
  }

  #any(): unknown {
    const { id, text, seq, count } = {
      id: () => this.#values.id(),
      text: () => this.#values.text(),
      seq: () => Number(this.#values.seq()),
      count: () => this.#values.count(),
    };
    const make = this.#random.pick([id, id, id, text, seq, seq, count]);
    if (this.#random.chance(0.8)) return make();
    return this.#random.pick([
      null,
      true,
      -1,
      1.5,
      {},
      [],
      [make(), make()],
      [{ conv_id: 'own', seq: make() }],
      { a: make() },
    ]);
  }

  #message(kind: DescMessage, depth: number): Record<string, unknown> {
    const made: Record<string, unknown> = {};
    for (const field of kind.fields) {
      if (field.oneof !== undefined && this.#random.chance(0.6)) continue;
      if (this.#random.chance(0.85)) made[field.jsonName] = this.#field(field, depth);
    }
    return made;
  }

  #field(field: DescField, depth: number): unknown {
    if (this.#random.chance(0.05)) return this.#any();
    const { random, one } = { random: this.#random, one: () => this.#one(field, depth) };
    if (field.fieldKind === 'list')
      return Array.from({ length: random.chance(0.02) ? 300 : random.below(4) }, one);
    if (field.fieldKind === 'map') return { [this.#values.id()]: this.#values.text() };
    return one();
  }

  #one(field: DescField, depth: number): unknown {
    if (field.message !== undefined) return depth > 4 ? {} : this.#message(field.message, depth + 1);
    if (field.enum !== undefined) return this.#random.below(5);
    switch (field.scalar) {
      case ScalarType.UINT64:
      case ScalarType.INT64:
        return String(this.#values.seq());
      case ScalarType.UINT32:
        return this.#values.count();
      case ScalarType.BOOL:
        return this.#random.chance(0.5);
      case ScalarType.BYTES:
        return this.#random.bytes(20).toString('base64');
      default:
        return field.name === 'text' ? this.#values.text() : this.#values.id();
    }
  }
}
