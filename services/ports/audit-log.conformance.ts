import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AuditLog, AuditRecord, AuditShelf } from './audit-log.ts';
import { auditIdAt } from './audit-record.ts';
import { StoreError } from './message-store.ts';

/** A log of a test's own, empty at first. */
export interface AuditLogFixture extends AsyncDisposable {
  readonly audit: AuditLog;
  /** The same log as another process sees it. */
  reopen(): Promise<void>;
}

const both: readonly AuditShelf[] = ['acts', 'issuedTokens'];

/** Begun at that time; of several of one time, `no` tells them apart and orders them. */
export function sampleRecord(atMs: number, record: Partial<AuditRecord> = {}, no = 0): AuditRecord {
  return {
    id: auditIdAt(atMs).slice(0, 30) + no.toString(16).padStart(2, '0'),
    atMs,
    actor: 'ops',
    action: 'sessions.end',
    target: 'ann “🙂”',
    remoteAddress: '192.0.2.7',
    nodeId: 'e1',
    details: { device: 'phone', 'of the group': "'; DROP TABLE audit_record; --" },
    result: 'begun',
    reason: '',
    endedAtMs: 0,
    ...record,
  };
}

/** Every promise of AuditLog, as tests. Each adapter runs them against its real engine. */
export function auditLogConformance(name: string, open: () => Promise<AuditLogFixture>): void {
  describe(`${name} keeps the promises of AuditLog`, () => {
    const at = 1_700_000_000_000;

    it('is empty at first', async () => {
      await using fixture = await open();
      assert.deepEqual(await fixture.audit.page({ before: undefined, limit: 10, shelves: both }), []);
    });

    it('keeps records as they are, the newest first, for every process', async () => {
      await using fixture = await open();
      const records = [1, 3, 2].map((no) => sampleRecord(at + no));
      await fixture.audit.write('acts', records);
      await fixture.reopen();
      const page = await fixture.audit.page({ before: undefined, limit: 10, shelves: ['acts'] });
      assert.deepEqual(page, [sampleRecord(at + 3), sampleRecord(at + 2), sampleRecord(at + 1)]);
    });

    it('lets a record take the place of the one with its id', async () => {
      await using fixture = await open();
      await fixture.audit.write('acts', [sampleRecord(at)]);
      const ended = sampleRecord(at, { result: 'refused', reason: 'scopeMissing', endedAtMs: at + 5 });
      await fixture.audit.write('acts', [ended]);
      assert.deepEqual(await fixture.audit.page({ before: undefined, limit: 10, shelves: ['acts'] }), [
        ended,
      ]);
    });

    it('keeps how an act ended, whatever comes after it', async () => {
      await using fixture = await open();
      const ended = sampleRecord(at, { result: 'done', endedAtMs: at + 5 });
      await fixture.audit.write('acts', [ended]);
      const [late, another] = [sampleRecord(at), sampleRecord(at + 1)];
      await fixture.audit.write('acts', [late, another]);
      await fixture.audit.write('acts', [
        { ...late, result: 'failed', reason: 'internal', endedAtMs: at + 9 },
      ]);
      await fixture.reopen();
      assert.deepEqual(await fixture.audit.page({ before: undefined, limit: 10, shelves: ['acts'] }), [
        another,
        ended,
      ]);
    });

    it('gives pages that join, over both shelves', async () => {
      await using fixture = await open();
      for (let no = 0; no < 7; no += 1)
        await fixture.audit.write(no % 3 === 0 ? 'issuedTokens' : 'acts', [sampleRecord(at + no)]);
      const read = async (shelves: readonly AuditShelf[]): Promise<number[]> => {
        const times: number[] = [];
        for (let before: string | undefined; ; ) {
          const page = await fixture.audit.page({ before, limit: 2, shelves });
          times.push(...page.map(({ atMs }) => atMs - at));
          if (page.length < 2) return times;
          before = page.at(-1)?.id;
        }
      };
      assert.deepEqual(await read(both), [6, 5, 4, 3, 2, 1, 0]);
      assert.deepEqual(await read(['acts']), [5, 4, 2, 1]);
      assert.deepEqual(await read(['issuedTokens']), [6, 3, 0]);
    });

    it('I6: keeps what is young enough, and so many of it, a shelf for itself', async () => {
      await using fixture = await open();
      const { audit } = fixture;
      await audit.write(
        'acts',
        Array.from({ length: 20 }, (_, no) => sampleRecord(at + no)),
      );
      await audit.write('issuedTokens', [sampleRecord(at)]);
      const left = async () =>
        (await audit.page({ before: undefined, limit: 100, shelves: ['acts'] })).map(({ atMs }) => atMs - at);
      assert.equal(await audit.trim('acts', { keepMs: 10, most: 1_000 }, at + 15), 5);
      assert.deepEqual(
        await left(),
        Array.from({ length: 15 }, (_, no) => 19 - no),
      );
      // What was written since counts, what took another one's place does not.
      await audit.write('acts', [
        sampleRecord(at + 19, { result: 'done', endedAtMs: at + 20 }),
        sampleRecord(at + 20),
      ]);
      assert.equal(await audit.trim('acts', { keepMs: 1_000, most: 4 }, at + 20), 12);
      assert.deepEqual(await left(), [20, 19, 18, 17]);
      assert.equal(await audit.trim('acts', { keepMs: 1_000, most: 4 }, at + 20), 0);
      const tokens = await audit.page({ before: undefined, limit: 10, shelves: ['issuedTokens'] });
      assert.equal(tokens.length, 1);
    });

    it('I6: removes nothing that is to stay when several trim at once', async () => {
      await using fixture = await open();
      const { audit } = fixture;
      await audit.write(
        'acts',
        Array.from({ length: 20 }, (_, no) => sampleRecord(at + no)),
      );
      const trim = () => audit.trim('acts', { keepMs: 1_000, most: 8 }, at + 20);
      const gone = await Promise.all([trim(), trim(), trim()]);
      assert.equal(
        gone.reduce((sum, each) => sum + each),
        12,
      );
      const left = await audit.page({ before: undefined, limit: 100, shelves: ['acts'] });
      assert.deepEqual(
        left.map(({ atMs }) => atMs - at),
        [19, 18, 17, 16, 15, 14, 13, 12],
      );
    });

    it('refuses what is out of bounds, and keeps nothing of it', async () => {
      await using fixture = await open();
      const { audit } = fixture;
      const rejected = (error: unknown) => error instanceof StoreError && error.kind === 'rejected';
      const sound = sampleRecord(at);
      for (const unsound of [
        sampleRecord(at, { id: 'zz' }),
        sampleRecord(at, { target: 'x'.repeat(257) }),
        sampleRecord(at, { reason: '\ud800' }),
        sampleRecord(at, {
          details: Object.fromEntries(Array.from({ length: 17 }, (_, no) => [`d${no}`, ''])),
        }),
      ])
        await assert.rejects(audit.write('acts', [sound, unsound]), rejected);
      await assert.rejects(audit.write('acts', []), rejected);
      await assert.rejects(audit.page({ before: undefined, limit: 0, shelves: both }), rejected);
      await assert.rejects(audit.page({ before: "' OR 1", limit: 1, shelves: both }), rejected);
      assert.deepEqual(await audit.page({ before: undefined, limit: 10, shelves: both }), []);
    });
  });
}
