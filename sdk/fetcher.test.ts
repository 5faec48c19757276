import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { type Entries, EntriesSchema } from '../gen/parley/chat/v1/session_pb.ts';
import { Conversation } from './conversation.ts';
import { Fetcher, type PageRequest } from './fetcher.ts';
import { itemOf } from './item.ts';
import { FakeLog, textContent } from './testing/fake-log.ts';
import { TurnedClock } from './testing/turned-clock.ts';
import { ConversationKind } from '../gen/parley/chat/v1/entry_pb.ts';
import { ChatError } from './types.ts';

/** Conversations that hold one entry of a log and know of more, and a fetcher for them. */
class Bench {
  readonly clock = new TurnedClock();
  readonly asked: string[] = [];
  readonly filled: string[] = [];
  /** Throws, or does something while the page is under way. */
  before: (request: PageRequest) => void = () => undefined;
  readonly #logs = new Map<string, FakeLog>();
  readonly fetcher = new Fetcher({
    clock: this.clock,
    random: () => 0.5,
    list: (request) => this.#list(request),
    onPage: (conversation, { entries }) => void conversation.merge(entries.map(itemOf)),
    onFilled: ({ convId }) => this.filled.push(convId),
  });

  conversation(convId: string, entries: number): Conversation {
    const log = new FakeLog({ convId, kind: ConversationKind.GROUP, members: ['ann'], salt: 1n });
    this.#logs.set(convId, log);
    for (let no = 0; no < entries; no += 1) this.append(convId);
    const conversation = new Conversation({ convId, self: 'ann' });
    conversation.merge(log.page(1, 1).map(itemOf));
    conversation.log.noteHead(entries);
    return conversation;
  }

  append(convId: string): void {
    this.#logs.get(convId)?.append('bob', '', textContent('hi'));
  }

  async #list(request: PageRequest): Promise<Entries> {
    this.asked.push(request.convId);
    const log = this.#logs.get(request.convId) as FakeLog;
    const page = log.page(request.fromSeq, request.fromSeq + request.limit - 1);
    const answer = create(EntriesSchema, {
      convId: request.convId,
      entries: page,
      headSeq: BigInt(log.headSeq),
    });
    this.before(request);
    await Promise.resolve();
    return answer;
  }
}

describe('filling gaps', () => {
  test('goes on to what was announced while a page was under way', async () => {
    const bench = new Bench();
    const conversation = bench.conversation('g', 3);
    bench.before = () => {
      bench.before = () => undefined;
      bench.append('g');
      conversation.log.noteHead(4);
    };
    bench.fetcher.release();
    bench.fetcher.want(conversation);
    await bench.clock.advance(1_000);
    assert.equal(conversation.log.lastSeq, 4);
    assert.equal(conversation.log.wanted(), undefined);
  });

  test('ends where the server has nothing of what was announced', async () => {
    const bench = new Bench();
    const conversation = bench.conversation('g', 3);
    conversation.log.noteHead(9);
    bench.fetcher.release();
    bench.fetcher.want(conversation);
    await bench.clock.advance(60_000);
    assert.equal(conversation.log.lastSeq, 3);
    assert.equal(conversation.log.wanted(), undefined);
    assert.equal(bench.asked.length, 1);
    assert.deepEqual(bench.filled, ['g']);
  });

  test('of those that are refused waits, later and later, and holds up no others', async () => {
    const bench = new Bench();
    const refused = Array.from({ length: 6 }, (_, no) => bench.conversation(`away${no}`, 3));
    const well = bench.conversation('well', 3);
    bench.before = ({ convId }) => {
      if (convId !== 'well') throw new ChatError('ownerLost', 'nobody is there', 'elsewhere');
    };
    bench.fetcher.release();
    for (const conversation of [...refused, well]) bench.fetcher.want(conversation);
    await bench.clock.advance(10);
    assert.equal(well.log.lastSeq, 3);
    assert.deepEqual(bench.filled, ['well'], 'the others may still come');
    await bench.clock.advance(60_000);
    const times = bench.asked.filter((convId) => convId === 'away0').length;
    assert.ok(times > 4 && times < 12, `${times} times in a minute`);
    bench.before = () => undefined;
    await bench.clock.advance(20_000);
    assert.ok(refused.every(({ log }) => log.lastSeq === 3));
    assert.equal(bench.filled.length, 7);
    assert.equal(bench.clock.timers, 0);
  });

  test('leaves no timer behind when the session is gone', async () => {
    const bench = new Bench();
    bench.before = () => {
      throw new ChatError('ownerLost', 'nobody is there', 'elsewhere');
    };
    bench.fetcher.release();
    bench.fetcher.want(bench.conversation('g', 3));
    await bench.clock.advance(10);
    assert.equal(bench.clock.timers, 1);
    bench.fetcher.lost();
    assert.equal(bench.clock.timers, 0);
  });
});
