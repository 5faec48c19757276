import { once } from 'node:events';
import { WebSocket } from 'ws';
import { until } from '../../e2e/support/until.ts';
import type { Cluster } from './cluster.ts';
import { userToken } from './tokens.ts';

type Json = Readonly<Record<string, unknown>>;

/** A session of the JSON dialect, each of whose frames a test writes by itself. */
export class TracedSocket implements AsyncDisposable {
  readonly events: Json[] = [];
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      const { events = [] } = JSON.parse(data.toString()) as { events?: Json[] };
      this.events.push(...events);
      for (const { entry } of events) if (entry !== undefined) this.#acknowledge(entry as Json);
    });
  }

  /** `hello`: besides token and device. */
  static async open(cluster: Cluster, edge: string, userId: string, hello: Json = {}): Promise<TracedSocket> {
    const socket = new WebSocket(`ws://127.0.0.1:${cluster.get(edge).ports.http}/ws`, 'parley.v1.json');
    await once(socket, 'open');
    const traced = new TracedSocket(socket);
    const token = await userToken(userId);
    traced.say({ id: 1, hello: { token, deviceId: `${userId}-${edge}`, protocolVersion: 1, ...hello } });
    await traced.answer(1);
    return traced;
  }

  /** One frame. */
  say(...commands: readonly Json[]): void {
    this.#socket.send(JSON.stringify({ commands }));
  }

  /** The answer to a command, once it has come. */
  async answer(id: number): Promise<Json> {
    return this.#event((event) => event['replyTo'] === id, `an answer to ${id}`);
  }

  /** The entry of a conversation, once it has come. */
  async entry(convId: string, seq: number): Promise<Json> {
    const isIt = ({ entry }: Json): boolean => {
      const found = entry as Json | undefined;
      return found?.['convId'] === convId && found['seq'] === String(seq);
    };
    return this.#event(isIt, `entry ${convId} ${seq}`);
  }

  /** Who never does is sent away in the end. */
  #acknowledge({ convId, seq }: Json): void {
    this.say({ ack: { items: [{ convId, seq }] } });
  }

  async #event(isIt: (event: Json) => boolean, what: string): Promise<Json> {
    let found: Json | undefined;
    await until(
      () => {
        found = this.events.find(isIt);
        return found !== undefined;
      },
      () => `no ${what}: ${JSON.stringify(this.events)}`,
    );
    return found as Json;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate();
  }
}
