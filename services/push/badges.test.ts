import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ConvId, UserId } from '../core/ids.ts';
import type { Membership } from '../ports/message-store.ts';
import { Badges, unreadOf } from './badges.ts';

const ann = 'ann' as UserId;

function membership(no: number, ord: number, readOrd: number): Membership {
  const convId = `g${String(no).padStart(4, '0')}` as ConvId;
  const convNo = BigInt(no);
  return {
    convNo,
    convId,
    kind: 'group',
    member: { userId: ann, role: 'member', joinedSeq: 1, joinedOrd: 0, leftSeq: 0, leftOrd: 0, rev: 1n },
    head: { seq: ord, ord, msgId: 1n },
    peer: undefined,
    cursor: { convNo, userId: ann, deliveredSeq: ord, readSeq: readOrd, readOrd },
    peerCursor: undefined,
    group: undefined,
  };
}

class Lists {
  rows: readonly Membership[] = [];
  reads = 0;
  broken = false;

  async memberships(_userId: UserId, after: ConvId | undefined, limit: number) {
    this.reads += 1;
    if (this.broken) throw new Error('away');
    return this.rows.filter(({ convId }) => after === undefined || convId > after).slice(0, limit);
  }
}

describe('a badge', () => {
  it('is what is unread in all conversations, page by page', async () => {
    const store = new Lists();
    store.rows = Array.from({ length: 450 }, (_, no) => membership(no, 10, no % 2 === 0 ? 10 : 7));
    const badges = new Badges({ store, clock: { wallMs: () => 0, monotonicMs: () => 0 } });
    assert.equal(await badges.of(ann), 225 * 3);
    assert.equal(store.reads, 3);
  });

  it('is counted once in a moment, and again behind it', async () => {
    const store = new Lists();
    let nowMs = 0;
    const badges = new Badges({ store, clock: { wallMs: () => 0, monotonicMs: () => nowMs } });
    store.rows = [membership(1, 5, 3)];
    assert.deepEqual(await Promise.all([badges.of(ann), badges.of(ann)]), [2, 2]);
    assert.equal(store.reads, 1);
    store.rows = [membership(1, 6, 3)];
    nowMs = 1_000;
    assert.equal(await badges.of(ann), 3);
  });

  it('is not made up where the store can’t be read', async () => {
    const store = new Lists();
    const badges = new Badges({ store, clock: { wallMs: () => 0, monotonicMs: () => 0 } });
    store.broken = true;
    await assert.rejects(badges.of(ann), /away/);
    store.broken = false;
    assert.equal(await badges.of(ann), 0);
  });
});

describe('unread', () => {
  const { member } = membership(1, 0, 0);
  const head = { seq: 30, ord: 20, msgId: 1n };
  const cursor = (readOrd: number) => ({ ...(membership(1, 0, 0).cursor as object), readOrd }) as never;

  it('counts messages behind the cursor', () => {
    assert.equal(unreadOf({ member, head, cursor: undefined }), 20);
    assert.equal(unreadOf({ member, head, cursor: cursor(15) }), 5);
    assert.equal(unreadOf({ member, head, cursor: cursor(20) }), 0);
  });

  it('begins with joining, and ends with leaving', () => {
    assert.equal(unreadOf({ member: { ...member, joinedOrd: 12 }, head, cursor: undefined }), 8);
    assert.equal(unreadOf({ member: { ...member, leftSeq: 9, leftOrd: 6 }, head, cursor: cursor(4) }), 2);
    // Who came again has read nothing of what is new, whatever his cursor said before.
    assert.equal(unreadOf({ member: { ...member, joinedOrd: 18 }, head, cursor: cursor(4) }), 2);
  });

  it('is never below 0, nor more than there is', () => {
    const ord = fc.nat(100);
    fc.assert(
      fc.property(ord, ord, ord, ord, (joinedOrd, leftOrd, headOrd, readOrd) => {
        const row = {
          member: { ...member, joinedOrd, leftOrd, leftSeq: leftOrd },
          head: { ...head, ord: headOrd },
        };
        const unread = unreadOf({ ...row, cursor: cursor(readOrd) });
        assert.ok(unread >= 0 && unread <= Math.max(leftOrd, headOrd));
      }),
    );
  });
});
