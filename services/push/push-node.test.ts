import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import {
  type CommittedEntry,
  CommittedEntrySchema,
  CommittedKind,
} from '../../gen/parley/node/v1/event_log_pb.ts';
import { LocalEventLog } from '../adapters/local/local-event-log.ts';
import { committedEvents, encodeCommittedEvent } from '../codec/committed-event.ts';
import { systemClock } from '../core/clock.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import { silentLogger } from '../core/log.ts';
import type { ConversationSnapshot } from '../ports/message-store.ts';
import type { Endpoint } from './endpoint-file.ts';
import { groupsOf } from './consumer-groups.ts';
import { PushNode } from './push-node.ts';
import { secretKey } from './signature.ts';
import { Letters } from './testing/letters.ts';
import { Receiver } from './testing/receiver.ts';
import type { WebhookType } from './webhook.ts';
import { until } from '../../test/e2e/support/until.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

function endpoint(name: string, url: string, ...types: readonly WebhookType[]): Endpoint {
  return {
    name,
    url: new URL(url),
    keys: [secretKey(secret)],
    types: new Set(types),
    inFlight: 4,
    ca: undefined,
  };
}

function message(seq: number, sender = 'ann', createdAtMs = Date.now()): CommittedEntry {
  return create(CommittedEntrySchema, {
    seq: BigInt(seq),
    msgId: BigInt(seq),
    kind: CommittedKind.MESSAGE,
    sender,
    createdAtMs: BigInt(createdAtMs),
  });
}

/** A push node on an event log of its own. */
class Scene implements AsyncDisposable {
  readonly events: LocalEventLog;
  readonly letters = new Letters();
  readonly #directory: string;
  readonly #endpoints: readonly Endpoint[];
  #node: PushNode;
  /** Members of every conversation; the store fails while there are none. */
  members: readonly string[] | undefined = ['ann', 'bob'];
  /** Who of them has a session; nobody can say while there is none. */
  online: readonly string[] | undefined = [];
  loads = 0;
  /** How many were asked about at once. */
  readonly asked: number[] = [];

  private constructor(directory: string, endpoints: readonly Endpoint[]) {
    this.#directory = directory;
    this.#endpoints = endpoints;
    this.events = new LocalEventLog({
      directory,
      log: silentLogger,
      random: () => 0,
      limitBytes: 64 * 1024 * 1024,
      segmentBytes: 1024 * 1024,
      queueBytes: 8 * 1024 * 1024,
      groups: groupsOf(endpoints),
    });
    this.#node = this.#make();
  }

  static async open(...endpoints: readonly Endpoint[]): Promise<Scene> {
    const scene = new Scene(await mkdtemp(join(tmpdir(), 'parley-push-')), endpoints);
    await scene.events.start();
    await scene.#node.start();
    return scene;
  }

  get node(): PushNode {
    return this.#node;
  }

  async commit(convId: string, ...entries: readonly CommittedEntry[]): Promise<void> {
    const records = committedEvents(convId, false, entries).map((event) => ({
      convId: convId as ConvId,
      value: encodeCommittedEvent(event),
    }));
    await this.events.publish(records);
  }

  async restart(): Promise<void> {
    await this.#node.stop();
    this.#node = this.#make();
    await this.#node.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node.stop();
    await this.events.stop();
    await rm(this.#directory, { recursive: true });
  }

  #make(): PushNode {
    return new PushNode({
      config: {
        webhooks: '',
        attempts: 3,
        firstRetryMs: 10,
        maxRetryMs: 50,
        timeoutMs: 60_000,
        offlineIntervalMs: 200,
        deadLetters: 100,
        logBytes: 1,
      },
      endpoints: this.#endpoints,
      events: this.events,
      deadLetters: this.letters,
      store: {
        load: async () => {
          this.loads += 1;
          return [this.#snapshot()];
        },
      },
      offline: {
        offline: async (users) => {
          this.asked.push(users.length);
          const { online } = this;
          if (online === undefined) throw new Error('no directory');
          return users.filter((user) => !online.includes(user));
        },
      },
      clock: systemClock,
      random: () => 0,
      log: silentLogger,
    });
  }

  #snapshot(): ConversationSnapshot {
    if (this.members === undefined) throw new Error('no store');
    const members = this.members.map((name) => {
      const [userId = '', joined = '1', left = '0'] = name.split('|');
      return {
        userId: userId as UserId,
        role: 'member' as const,
        joinedSeq: Number(joined),
        joinedOrd: 0,
        leftSeq: Number(left),
        leftOrd: 0,
        rev: 1n,
      };
    });
    return {
      convNo: 1n,
      convId: 'g' as ConvId,
      kind: 'group',
      head: { seq: 1, ord: 1, msgId: 1n },
      projectedSeq: 0,
      group: undefined,
      members,
    };
  }
}

describe('the push node', () => {
  it('tells each endpoint what it wants to hear of, and is held up by none that hangs', async () => {
    await using quick = await Receiver.open();
    await using hanging = await Receiver.open(() => {});
    await using scene = await Scene.open(
      endpoint('hangs', hanging.url(), 'message.created'),
      endpoint('quick', quick.url(), 'message.created'),
      endpoint('other', quick.url('/other'), 'group.created'),
    );
    for (let seq = 1; seq <= 100; seq++) await scene.commit(`conv-${seq % 10}`, message(seq));
    await quick.until(() => quick.received.length === 100);
    assert.ok(quick.received.every(({ path }) => path === '/hook'));
    assert.equal(hanging.received.length, 4);
  });

  it('goes on where it was after a restart, with what was not acknowledged, under the same ids', async () => {
    let accepting = false;
    await using receiver = await Receiver.open((_, response) => {
      if (accepting) response.writeHead(204).end();
    });
    await using scene = await Scene.open(endpoint('app', receiver.url(), 'message.created'));
    await scene.commit('g', message(1));
    await receiver.until(() => receiver.received.length === 1);
    accepting = true;
    await scene.restart();
    await scene.commit('g', message(2));
    await receiver.until(() => receiver.received.length === 3);
    assert.deepEqual(
      receiver.received.map(({ data }) => data['seq']),
      [1, 1, 2],
    );
    assert.equal(receiver.ids[0], receiver.ids[1]);
  });

  it('passes over what it can not read', async () => {
    await using receiver = await Receiver.open();
    await using scene = await Scene.open(endpoint('app', receiver.url(), 'message.created'));
    await scene.events.publish([{ convId: 'g' as ConvId, value: Buffer.from('garbage') }]);
    await scene.commit('g', message(1));
    await receiver.until(() => receiver.received.length === 1);
  });

  it('hands an event over again when its letter could not be kept', async () => {
    await using receiver = await Receiver.open((_, response) => void response.writeHead(500).end());
    await using scene = await Scene.open(endpoint('app', receiver.url(), 'message.created'));
    scene.letters.broken = new Error('disk full');
    await scene.commit('g', message(1));
    await receiver.until(() => receiver.received.length > 3);
    scene.letters.broken = undefined;
    await receiver.until(() => receiver.received.length % 3 === 0 && scene.letters.kept.length === 0);
    await until(
      () => scene.letters.kept.length > 0,
      () => 'no letter was kept',
    );
    assert.equal(scene.letters.kept[0]?.id, receiver.ids[0]);
  });
});

describe('notices of who is offline', () => {
  it('name members now, who joined before and are not there; nobody when all are', async () => {
    await using receiver = await Receiver.open();
    await using scene = await Scene.open(endpoint('app', receiver.url(), 'message.offline'));
    scene.members = ['ann', 'bob', 'cyd', 'gone|1|3', 'late|9', 'dan'];
    scene.online = ['cyd'];
    await scene.commit('g', message(2));
    await receiver.until(() => receiver.received.length === 1);
    assert.deepEqual(receiver.received[0]?.data['user_ids'], ['bob', 'dan']);
    scene.online = ['bob', 'cyd', 'dan'];
    await scene.commit('h', message(2));
    await until(
      () => scene.asked.length >= 2,
      () => 'nobody was asked about',
    );
    scene.online = ['cyd'];
    await scene.commit('i', message(2));
    await receiver.until(() => receiver.received.length === 2);
    assert.equal(receiver.received[1]?.data['conv_id'], 'i');
  });

  it('tell a sole sender nothing of himself, but several of each other', async () => {
    await using receiver = await Receiver.open();
    await using scene = await Scene.open(endpoint('app', receiver.url(), 'message.offline'));
    const atMs = Date.now();
    await scene.commit('g', message(1, 'ann', atMs), message(2, 'ann', atMs));
    await scene.commit('h', message(1, 'ann', atMs), message(2, 'bob', atMs));
    await receiver.until(() => receiver.received.length === 2);
    const usersOf = (convId: string) =>
      receiver.received.find(({ data }) => data['conv_id'] === convId)?.data['user_ids'];
    assert.deepEqual(usersOf('g'), ['bob']);
    assert.deepEqual(usersOf('h'), ['ann', 'bob']);
  });

  it('I6: ask about and name a thousand at a time, in parts that each have an id', async () => {
    await using receiver = await Receiver.open();
    await using scene = await Scene.open(endpoint('app', receiver.url(), 'message.offline'));
    scene.members = Array.from({ length: 2_500 }, (_, i) => `user-${String(i).padStart(4, '0')}`);
    await scene.commit('g', message(1));
    await receiver.until(() => receiver.received.length === 3);
    assert.deepEqual(scene.asked, [1_000, 1_000, 500]);
    assert.equal(new Set(receiver.ids).size, 3);
    const named = receiver.received.flatMap(({ data }) => data['user_ids'] as string[]);
    assert.deepEqual(named.sort(), [...scene.members].sort());
  });

  it('wait for a store and a directory that are away', async () => {
    await using receiver = await Receiver.open();
    await using scene = await Scene.open(endpoint('app', receiver.url(), 'message.offline'));
    const { members } = scene;
    scene.members = undefined;
    scene.online = undefined;
    await scene.commit('g', message(1));
    await until(
      () => scene.loads > 0,
      () => 'the store was not asked',
    );
    scene.members = members;
    await until(
      () => scene.asked.length > 0,
      () => 'the directory was not asked',
    );
    scene.online = [];
    await receiver.until(() => receiver.received.length === 1);
    assert.deepEqual(receiver.received[0]?.data['user_ids'], ['bob']);
  });
});
