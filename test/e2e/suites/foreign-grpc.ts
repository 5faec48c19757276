import { type ClientDuplexStream, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reflectedServices } from '../support/reflected-contract.ts';
import type { Site } from '../support/site.ts';
import { until } from '../support/until.ts';

/** A client that has none of this project's code, generated or not: all it knows is what the server tells of itself. */

interface ForeignEvent {
  readonly reply_to: number;
  readonly welcome?: { readonly user_id: string };
  readonly sent?: {
    readonly conv_id: string;
    readonly seq: number;
    /** Absent when false, as protobuf has it. */
    readonly duplicate?: boolean;
  };
  readonly entry?: ForeignEntry;
  readonly entries?: { readonly entries: readonly ForeignEntry[]; readonly more: boolean };
  readonly error?: { readonly reason: string };
}

interface ForeignEntry {
  readonly conv_id: string;
  readonly seq: number;
  readonly sender: string;
  readonly message?: { readonly text: string };
}

type Unary = (
  request: object,
  metadata: Metadata,
  done: (error: ServiceError | null, answer: never) => void,
) => void;

const chatServices = [
  'Admin',
  'Audit',
  'Cluster',
  'Conversation',
  'DeadLetter',
  'Device',
  'Group',
  'Id',
  'Message',
  'Presence',
  'Session',
];

/** Two foreign clients, one at each of two edges. */
export function foreignGrpcOf(site: Site): void {
  test(`${site.what}: a client that knows reflection alone signs in, sends, lists, and hears what others send`, async () => {
    await using stack = new AsyncDisposableStack();
    const address = (edge: number) => `127.0.0.1:${site.edge(edge).ports.grpc}`;
    const services = await reflectedServices(address(0));
    assert.deepEqual(
      [...services.keys()].filter((name) => name.startsWith('parley.')).sort(),
      chatServices.map((name) => `parley.chat.v1.${name}Service`),
    );
    const clientOf = (name: string, edge: number) => {
      const Service = services.get(`parley.chat.v1.${name}Service`);
      assert.ok(Service);
      const client = new Service(address(edge), credentials.createInsecure());
      stack.defer(() => client.close());
      return client;
    };

    /** A session of the stream, and all that it is told. */
    async function signIn(userId: string, edge: number) {
      const sessions = clientOf('Session', edge) as unknown as {
        Connect(): ClientDuplexStream<object, { readonly events: readonly ForeignEvent[] }>;
      };
      const stream = sessions.Connect();
      const events: ForeignEvent[] = [];
      stream.on('data', (frame: { readonly events: readonly ForeignEvent[] }) =>
        events.push(...frame.events),
      );
      stream.on('error', () => undefined);
      stack.defer(() => stream.cancel());
      const hears = async (wanted: (event: ForeignEvent) => boolean): Promise<ForeignEvent> => {
        await until(
          () => events.some(wanted),
          () => `${userId} heard ${JSON.stringify(events)}`,
        );
        return events.find(wanted) as ForeignEvent;
      };
      let lastId = 0;
      const ask = (command: object): Promise<ForeignEvent> => {
        const id = ++lastId;
        stream.write({ commands: [{ id, ...command }] });
        return hears(({ reply_to }) => reply_to === id);
      };
      const hello = { protocol_version: 1, device_id: `device of ${userId}`, user_id: userId };
      assert.equal((await ask({ hello })).welcome?.user_id, userId);
      return { ask, hears };
    }

    /** A unary call in somebody's name, at the second edge. */
    function call(service: string, method: string, userId: string, request: object): Promise<unknown> {
      const client = clientOf(service, 1) as unknown as Record<string, Unary>;
      const metadata = new Metadata();
      metadata.set('parley-user', userId);
      return new Promise((resolve, reject) =>
        client[method]?.(request, metadata, (error, answer) =>
          error === null ? resolve(answer) : reject(error),
        ),
      );
    }

    const ann = await signIn('ann', 0);
    const bob = await signIn('bob', 1);
    const send = { to: 'bob', client_id: 'first', body: { text: 'hello from far away' } };
    const { sent } = await ann.ask({ send });
    assert.deepEqual([sent?.seq, sent?.duplicate], [1, undefined]);
    assert.equal((await ann.ask({ send })).sent?.duplicate, true);
    const conv_id = sent?.conv_id ?? '';
    const heard = (await bob.hears(({ entry }) => entry?.conv_id === conv_id)).entry;
    assert.deepEqual([heard?.seq, heard?.sender, heard?.message?.text], [1, 'ann', 'hello from far away']);

    await call('Message', 'Send', 'bob', {
      send: { conv_id, client_id: 'second', body: { text: 'and back' } },
    });
    await ann.hears(({ entry }) => entry?.message?.text === 'and back');

    const expected = [
      [1, 'ann', 'hello from far away'],
      [2, 'bob', 'and back'],
    ];
    const plain = (entries: readonly ForeignEntry[] = []) =>
      entries.map(({ seq, sender, message }) => [seq, sender, message?.text]);
    const list = { conv_id, from_seq: 1, limit: 10 };
    const { entries } = await ann.ask({ list });
    assert.deepEqual(plain(entries?.entries), expected);
    const listed = (await call('Message', 'ListMessages', 'bob', { list })) as Pick<ForeignEvent, 'entries'>;
    assert.deepEqual(plain(listed.entries?.entries), expected);

    const { error } = await ann.ask({ send: { conv_id: 'nowhere', client_id: 'x', body: { text: 'hi' } } });
    assert.equal(error?.reason, 'conversationNotFound');
  });
}
