import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { until } from '../../../test/e2e/support/until.ts';
import { type OwnKeys, redis } from '../../../test/engines/shared.ts';
import { askRedis } from '../../../test/engines/redis-server.ts';
import type { Seq } from '../../core/ids.ts';
import {
  append,
  bytes,
  commit,
  conversation,
  createDirect,
  entry,
  type SampleConversation,
} from '../../ports/message-store-conformance/samples.ts';
import type { PageKey } from '../../ports/directory.ts';
import type { NewEntry, StoredEntry } from '../../ports/message-store.ts';
import { config, openDirectory } from '../redis/testing/open-directory.ts';
import type { RedisDirectory } from '../redis/redis-directory.ts';
import { decodePage, encodePage, firstOf, pageRows } from './page-codec.ts';
import type { MySqlStore } from './mysql-store.ts';
import type { SealedRow } from './sealed-row.ts';
import { TestDatabase } from './testing/database.ts';

const database = await TestDatabase.start();
after(() => database[Symbol.asyncDispose]());

const words = (seq: Seq): string => `what is said at ${seq}`;

/** A conversation of so many entries, two message nodes on one database, and a Redis that they share. */
class Scene implements AsyncDisposable {
  readonly talk: SampleConversation = conversation('d_talk {%}');
  readonly keys: OwnKeys;
  readonly one: MySqlStore;
  readonly other: MySqlStore;
  readonly directories: readonly [RedisDirectory, RedisDirectory];
  readonly entries: readonly NewEntry[];

  private constructor(
    keys: OwnKeys,
    stores: readonly [MySqlStore, MySqlStore],
    directories: Scene['directories'],
    length: number,
  ) {
    this.keys = keys;
    [this.one, this.other] = stores;
    this.directories = directories;
    this.entries = Array.from({ length }, (_, at) => entry(at + 1, { content: bytes(words(at + 1)) }));
  }

  static async open(length: number): Promise<Scene> {
    const schema = await database.schema();
    const keys = await redis();
    const configured = config(keys.url, { keyPrefix: keys.prefix, pageBytes: 65_536, pageTtlMs: 600_000 });
    const directories = [await openDirectory(configured), await openDirectory(configured)] as const;
    const [a, b] = directories;
    const stores = [
      await database.open(schema, { pages: a.pages }),
      await database.open(schema, { pages: b.pages }),
    ] as const;
    const scene = new Scene(keys, stores, directories, length);
    const [first, ...rest] = scene.entries as [NewEntry, ...NewEntry[]];
    await commit(scene.one, createDirect(scene.talk, [first]));
    await commit(scene.one, append(scene.talk, rest));
    return scene;
  }

  /** The contents of the entries asked for. */
  async read(store: MySqlStore, from: Seq, to: Seq, asOf: Seq = 0): Promise<string[]> {
    const found = await this.entriesOf(store, from, to, asOf);
    return found.map(({ content }) => content);
  }

  entriesOf(store: MySqlStore, from: Seq, to: Seq, asOf: Seq = 0): Promise<readonly StoredEntry[]> {
    return store.range(this.talk.convNo, from, to, to - from + 1, false, asOf);
  }

  get pages(): Promise<string[]> {
    return askRedis(this.keys.port, 'KEYS', `${this.keys.prefix}:page:*`) as Promise<string[]>;
  }

  /** Reads at one node, and waits until so many pages are in Redis. */
  async warm(from: Seq, to: Seq, count: number): Promise<void> {
    await this.read(this.one, from, to);
    let found: string[] = [];
    await until(
      async () => {
        found = await this.pages;
        return found.length === count;
      },
      () => found.join(', '),
    );
  }

  /** What stands in Redis for a page, changed past all code that reads it. */
  async alter(page: number, change: (rows: SealedRow[]) => SealedRow[]): Promise<void> {
    const rows = decodePage(await this.bytesOf(page), page);
    assert.ok(rows !== undefined);
    await this.directories[0].pages.put([{ key: this.key(page), rows: encodePage(change([...rows])) }]);
  }

  key(page: number): PageKey {
    return { epoch: this.one.epoch, convId: this.talk.convId, page, projectedSeq: 0 };
  }

  async bytesOf(page: number): Promise<Uint8Array> {
    const [found] = await this.directories[0].pages.get([this.key(page)]);
    assert.ok(found !== undefined, `page ${page} is not in Redis`);
    return Uint8Array.from(found);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const closing of [this.one, this.other, ...this.directories]) await closing.close();
    await this.keys[Symbol.asyncDispose]();
  }
}

const said = (from: Seq, to: Seq): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => bytes(words(from + at)));

describe('pages of history that nodes share', () => {
  it('are what the table has, however a range is cut, from the cache and past it', async () => {
    await using scene = await Scene.open(175);
    for (const [from, to] of [
      [1, 50],
      [1, 175],
      [49, 60],
      [20, 130],
      [151, 175],
      [1, 1_000],
      [176, 200],
    ] as const)
      for (const store of [scene.one, scene.other, scene.one])
        assert.deepEqual(await scene.read(store, from, to), said(from, Math.min(to, 175)), `${from}-${to}`);
    const { pageHits } = scene.directories[1].meters;
    assert.ok(pageHits > 0);
  });

  it('come from Redis: what is altered there by hand is what the other node tells', async () => {
    await using scene = await Scene.open(60);
    await scene.warm(1, 50, 1);
    await scene.alter(0, (rows) =>
      rows.map((row) => (row.seq === 7 ? { ...row, sender: 'somebody else', ord: 1_007 } : row)),
    );
    const [, , , , , , seventh] = await scene.entriesOf(scene.other, 1, 20);
    assert.deepEqual([seventh?.sender, seventh?.ord], ['somebody else', 1_007]);
    // Whoever needs what is there now does not ask the cache.
    const [row] = await scene.other.range(scene.talk.convNo, 7, 7, 1, false);
    assert.notEqual(row?.sender, 'somebody else');
    const [name = ''] = await scene.pages;
    await askRedis(scene.keys.port, 'DEL', name);
    assert.notEqual((await scene.entriesOf(scene.other, 1, 20))[6]?.sender, 'somebody else');
  });

  it('I8: are sealed in Redis, and a body that does not open is read from the table', async () => {
    await using scene = await Scene.open(50);
    await scene.warm(1, 50, 1);
    const raw = Buffer.from(await scene.bytesOf(0)).toString('latin1');
    assert.equal(raw.includes('what is said'), false);
    const alterations: ((rows: SealedRow[]) => SealedRow[])[] = [
      (rows) => rows.map((row) => ({ ...row, body: Uint8Array.from(row.body, (byte) => byte ^ 1) })),
      (rows) => rows.map((row) => ({ ...row, body: new Uint8Array(3) })),
      // A body that was sealed for another entry.
      (rows) => rows.map((row, at) => ({ ...row, body: (rows.at(at - 1) as SealedRow).body })),
      (rows) => rows.map((row) => ({ ...row, keyId: 99 })),
      (rows) => rows.map((row) => ({ ...row, kind: 200 })),
      (rows) => rows.toReversed(),
    ];
    for (const [at, change] of alterations.entries()) {
      await scene.alter(0, change);
      const before = scene.other.meters.unsoundPages();
      assert.deepEqual(await scene.read(scene.other, 1, 50), said(1, 50), `alteration ${at}`);
      assert.equal(scene.other.meters.unsoundPages(), before + 1, `alteration ${at}`);
      // It was put right.
      await until(
        async () => {
          const now = scene.other.meters.unsoundPages();
          await scene.read(scene.other, 1, 50);
          return scene.other.meters.unsoundPages() === now;
        },
        () => 'the page stays wrong',
      );
    }
  });

  it('are never from before a change that the reader knows of', async () => {
    await using scene = await Scene.open(60);
    await scene.warm(1, 50, 1);
    const [recalled] = await scene.entriesOf(scene.one, 7, 7);
    assert.ok(recalled !== undefined);
    const wiped = bytes('wiped');
    const projection = { seq: 7, msgId: recalled.msgId, revision: 1, recalled: true, content: wiped };
    const recall = entry(61, { kind: 'recall', content: bytes('recall') });
    await commit(scene.one, { ...append(scene.talk, [recall]), projections: [projection] });
    const [snapshot] = await scene.other.load([scene.talk.convId]);
    assert.equal(snapshot?.projectedSeq, 61);
    for (const store of [scene.other, scene.one, scene.other])
      assert.equal((await scene.read(store, 1, 50, 61))[6], wiped);
    // A node that has not heard of it yet finds the page as it was, or newer.
    assert.ok([wiped, bytes(words(7))].includes((await scene.read(scene.other, 1, 50, 0))[6] as never));
  });

  it('are kept once all their entries are there, and not before', async () => {
    await using scene = await Scene.open(149);
    await scene.read(scene.one, 101, 149);
    await scene.warm(1, 149, 2);
    await commit(scene.other, append(scene.talk, [entry(150, { content: bytes(words(150)) })]));
    assert.deepEqual(await scene.read(scene.one, 101, 150), said(101, 150));
    await scene.warm(101, 150, 3);
  });
});

describe('the bytes of a page', () => {
  const sample = fc.record({
    msgId: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
    kind: fc.nat(255),
    ord: fc.maxSafeNat(),
    sender: fc.string({ unit: 'grapheme', maxLength: 64 }),
    createdAtMs: fc.maxSafeNat(),
    status: fc.nat(255),
    revision: fc.nat(2 ** 31),
    keyId: fc.nat(2 ** 31),
    body: fc.uint8Array({ maxLength: 300 }),
  });
  const page = fc
    .nat(1_000_000)
    .chain((no) =>
      fc
        .array(sample, { minLength: pageRows, maxLength: pageRows })
        .map((rows) => ({ no, rows: rows.map((row, at) => ({ seq: firstOf(no) + at, ...row })) })),
    );

  it('are the rows again, and nothing but the whole page is a page', () => {
    fc.assert(
      fc.property(page, fc.nat(), ({ no, rows }, cut) => {
        const encoded = Uint8Array.from(encodePage(rows));
        assert.deepEqual(decodePage(encoded, no), rows);
        assert.equal(decodePage(encoded, no + 1), undefined);
        assert.equal(decodePage(encoded.subarray(0, cut % encoded.byteLength), no), undefined);
        assert.equal(decodePage(Uint8Array.of(...encoded, 0), no), undefined);
        assert.equal(decodePage(Uint8Array.of(99, ...encoded.subarray(1)), no), undefined);
      }),
      { numRuns: 50 },
    );
  });

  it('never throw, whatever they are', () => {
    fc.assert(
      fc.property(page, fc.nat(), fc.nat(255), ({ no, rows }, at, byte) => {
        const encoded = Uint8Array.from(encodePage(rows));
        encoded[at % encoded.byteLength] = byte;
        decodePage(encoded, no);
      }),
      { numRuns: 50 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (any) => decodePage(any, 0) === undefined),
      { numRuns: 200 },
    );
  });
});
