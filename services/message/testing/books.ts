import type { ConvId, UserId } from '../../core/ids.ts';
import type { MemberRow } from '../../ports/message-store.ts';
import { CursorBook } from '../cursor-book.ts';
import { CursorDesk } from '../cursor-desk.ts';
import type { Draft } from '../draft.ts';
import { evaluate } from '../evaluate.ts';
import { History } from '../history.ts';
import { HotConversations } from '../hot-conversations.ts';
import { PresenceBook } from '../presence-book.ts';
import { Receipts } from '../receipts.ts';
import type { Submission } from '../submission.ts';
import { Views } from '../views.ts';
import { MemoryStore } from './memory-store.ts';
import { CountedDraws } from './samples.ts';

const mebibyte = 1024 * 1024;

/** Everything that reads, on a store in memory, and a hand that writes. */
export class Books {
  readonly store: MemoryStore;
  readonly hot: HotConversations;
  readonly history: History;
  readonly cursors: CursorBook;
  readonly views: Views;
  readonly draws: CountedDraws;

  /** Given the books of another owner: on the same store, with numbers from the same clock unless others are given. */
  constructor(other?: Books, draws = other?.draws ?? new CountedDraws()) {
    const store = other?.store ?? new MemoryStore();
    this.store = store;
    this.draws = draws;
    const clock = { wallMs: () => 0, monotonicMs: () => 0 };
    const limits = { maxConversations: 10_000, maxMemberRows: 1_000_000, maxRecentBytes: 64 * mebibyte };
    this.hot = new HotConversations({ store, clock, limits });
    this.history = new History({ store, pageBytes: mebibyte });
    this.cursors = new CursorBook({ store, hot: this.hot });
    const { hot, history, cursors } = this;
    const receipts = new Receipts(cursors);
    const cursorDesk = new CursorDesk({ history, cursors, receipts, presence: new PresenceBook() });
    this.views = new Views({ store, hot, cursors, cursorDesk, history });
  }

  /** Carries out commands as a lane does; rejects when one of them is refused. */
  async commit(convId: ConvId, ...submissions: readonly Submission[]): Promise<void> {
    await this.hot.with(convId, async (conversation) => {
      const targets = new Map(this.store.log(convId).map((entry) => [entry.seq, entry]));
      const context = { limits: { recallWindowMs: 0 }, nowMs: 0, targets };
      const { draft, verdicts } = evaluate(conversation, submissions, this.draws, context);
      for (const { settlement } of verdicts)
        if (settlement.t !== 'committed') throw new Error(JSON.stringify(settlement));
      await this.#write(draft);
    });
  }

  page(convId: ConvId, reader: UserId, fromSeq: number, limit: number, backward: boolean) {
    return this.hot.with(convId, (conversation) =>
      this.history.page(conversation, reader, { fromSeq, limit, backward }),
    );
  }

  member(convId: ConvId, userId: UserId): MemberRow | undefined {
    return this.store.memberRow(convId, userId);
  }

  async #write(draft: Draft): Promise<void> {
    const batch = {
      epoch: this.store.epoch,
      batchId: this.draws.nextId(),
      conversations: [draft.toCommit()],
    };
    const [outcome] = await this.store.commit(batch);
    if (outcome?.t !== 'committed') throw new Error(`not committed but ${outcome?.t}`);
    draft.apply();
  }
}
