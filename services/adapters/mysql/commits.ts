import { setTimeout as sleep } from 'node:timers/promises';
import type { Failpoints } from '../../core/failpoint.ts';
import type { ConvNo } from '../../core/ids.ts';
import {
  type CommitBatch,
  type CommitOutcome,
  type ConversationCommit,
  StoreError,
} from '../../ports/message-store.ts';
import { encodeSpans, spanOf } from '../../ports/outbox-codec.ts';
import { SoundBatch } from '../../ports/sound-batch.ts';
import type { Database } from './database.ts';
import { timed } from '../../ports/timed.ts';
import {
  type Failure,
  failureOf,
  LostError,
  messageOf,
  refusal,
  refusalOf,
  ServerError,
  undone,
} from './failure.ts';
import { assertKeepable } from './keepable.ts';
import type { PacketThread } from './packet-thread.ts';
import { render } from './rendered.ts';
import type { Names, Seals } from './seals.ts';
import type { Session } from './session.ts';
import { outcomeOf, readStanding, type Standing } from './standing.ts';
import { packetsOf } from './transaction.ts';

export interface CommitMeters {
  /** Commits in hand. */
  writes: number;
  /** Commits that failed for want of a database that takes them. */
  failedWrites: number;
  /** Transactions made anew because another one was in the way. */
  contended: number;
  /** 1 while the last commit worked, else 0. */
  accepting: number;
}

export interface CommitsOptions {
  readonly database: Database;
  readonly seals: Seals;
  readonly names: Names;
  readonly thread: PacketThread;
  /** As it was adopted last. */
  readonly epoch: () => string;
  readonly incarnation: () => string;
  /** Whether somebody reads the outbox. */
  readonly outbox: boolean;
  readonly random: () => number;
  readonly meters: CommitMeters;
  readonly failpoints: Failpoints | undefined;
}

/** Transactions that one commit may take: each is void because of somebody else, and the next one knows more. */
const attemptsAtMost = 12;
const lockWaitsAtMost = 3;
const lockWaitTimeout = 1205;
const commitsAtMost = 256;
/** Handing over a batch and being woken costs as much as sealing some entries. */
const fewEntries = 8;

/**
 * Writes batches. All that can be in the way of a conversation raises an error by a key or by the outbox row's
 * conditions; only then is read what stands, and what nothing is in the way of is written again without the rest.
 */
export class Commits {
  readonly #options: CommitsOptions;

  constructor(options: CommitsOptions) {
    this.#options = options;
  }

  async commit(batch: CommitBatch): Promise<readonly CommitOutcome[]> {
    const { meters } = this.#options;
    const epoch = this.#options.epoch();
    if (batch.epoch !== epoch) throw otherEpoch(epoch, batch.epoch);
    if (meters.writes >= commitsAtMost) throw new StoreError('unavailable', 'the store has too much to do');
    meters.writes += 1;
    try {
      this.#assertSound(batch);
      const outcomes = await this.#write(batch);
      meters.accepting = 1;
      return outcomes;
    } catch (error) {
      const told = refusalOf(error);
      if (told.kind !== 'rejected' && told.kind !== 'epoch') {
        meters.failedWrites += 1;
        meters.accepting = 0;
      }
      throw told;
    } finally {
      meters.writes -= 1;
    }
  }

  #assertSound(batch: CommitBatch): void {
    assertKeepable(batch);
    const sound = new SoundBatch();
    for (const conversation of batch.conversations) {
      sound.assert(conversation);
      const { convNo, convId } = conversation;
      const known = this.#options.names.get(convNo);
      if (known !== undefined && known !== convId)
        throw new StoreError('rejected', `conversation ${convNo} is ${known}, not ${convId}`);
    }
  }

  async #write(batch: CommitBatch): Promise<readonly CommitOutcome[]> {
    const outcomes = new Map<ConvNo, CommitOutcome>();
    let open = batch.conversations;
    let packets = open.length === 0 ? [] : await timed(batch, 'seal', () => this.#firstPackets(batch));
    let lockWaits = 0;
    for (let attempt = 1; open.length > 0; attempt += 1) {
      const failed = await timed(batch, 'write', () => this.#transact(batch, open, packets));
      if (failed === undefined) {
        this.#written(open, outcomes);
        break;
      }
      if (attempt === attemptsAtMost || (failed.errno === lockWaitTimeout && ++lockWaits === lockWaitsAtMost))
        throw new StoreError('unavailable', `others are in the way: ${failed.message}`, failed);
      const failure = failureOf(failed);
      if (failure === 'contended') {
        this.#options.meters.contended += 1;
        await sleep(this.#options.random() * 2 ** Math.min(attempt, 6));
        continue;
      }
      const standing = await this.#standing(batch, open);
      open = open.filter((conversation) => {
        const outcome = outcomeOf(conversation, standing);
        if (outcome !== undefined) outcomes.set(conversation.convNo, outcome);
        return outcome === undefined;
      });
      if (open.length > 0) packets = await this.#packets(batch, open, standing.nextPart);
    }
    return batch.conversations.map(({ convNo }) => outcomes.get(convNo) ?? { t: 'committed' });
  }

  #written(open: readonly ConversationCommit[], outcomes: Map<ConvNo, CommitOutcome>): void {
    for (const { convNo, convId } of open) {
      outcomes.set(convNo, { t: 'committed' });
      this.#options.names.set(convNo, convId);
    }
  }

  /** Of the whole batch: made in the thread, unless that takes longer than it would take here. */
  #firstPackets(batch: CommitBatch): Promise<readonly string[]> {
    const { thread, names, database, incarnation, outbox } = this.#options;
    const { conversations } = batch;
    const entries = conversations.reduce((sum, conversation) => sum + conversation.entries.length, 0);
    if (entries <= fewEntries || !thread.alive) return this.#packets(batch, conversations, 0);
    const unnamed: number[] = [];
    for (const [at, { convNo }] of conversations.entries())
      if (names.get(convNo) === undefined) unnamed.push(at);
    const { maxPacketBytes } = database.traits;
    return thread.packets(batch, { unnamed, incarnation: incarnation(), outbox, maxPacketBytes });
  }

  async #packets(
    batch: CommitBatch,
    conversations: readonly ConversationCommit[],
    part: number,
  ): Promise<readonly string[]> {
    const { seals, names, database, incarnation, outbox } = this.#options;
    const parts = await render(conversations, seals, (convNo) => names.get(convNo) !== undefined);
    const payload = outbox ? encodeSpans(conversations.map(spanOf)) : undefined;
    const head = { batchId: batch.batchId, part, incarnation: incarnation(), epoch: batch.epoch, payload };
    return packetsOf(head, parts, database.traits.maxPacketBytes);
  }

  /** Undefined: it is durable. Gives the error where it is undone and another transaction may do better. */
  async #transact(
    batch: CommitBatch,
    open: readonly ConversationCommit[],
    packets: readonly string[],
  ): Promise<ServerError | undefined> {
    const { database, failpoints } = this.#options;
    return database.commits.run(async (session) => {
      await hit(failpoints, 'beforeCommit');
      const sent = database.traits.galera ? commitApart(packets) : packets;
      const last = sent.length - 1;
      for (const [at, packet] of sent.entries()) {
        try {
          await session.query(packet, database.commitTimeoutMs);
        } catch (error) {
          const mayStand = at === last && (error instanceof LostError || committing(error, packet));
          return this.#failed(session, batch, open, error, mayStand);
        }
      }
      await hit(failpoints, 'afterCommit');
      return undefined;
    });
  }

  /** Undoes what a failed transaction left, and says what it means. `mayStand`: COMMIT itself failed. */
  async #failed(
    session: Session,
    batch: CommitBatch,
    open: readonly ConversationCommit[],
    error: unknown,
    mayStand: boolean,
  ): Promise<ServerError | undefined> {
    const failure = failureOf(error);
    if (failure === 'lost' || !session.usable) {
      session.destroy();
      throw mayStand && !undone(error) ? unknown(error) : refusal(error);
    }
    // A wait for a lock undoes one statement, and leaves the locks of the others behind.
    await session.query('ROLLBACK', this.#options.database.commitTimeoutMs).catch(() => session.destroy());
    if (mayStand && failure !== 'contended' && !(await this.#settled(batch, open, error))) return undefined;
    if (isConflict(failure) && error instanceof ServerError) return error;
    // The next connection may be to another server.
    if (failure === 'other') session.destroy();
    throw refusal(error);
  }

  /**
   * The server said that COMMIT failed. Its transaction has ended either way: what stands tells how. Gives whether
   * nothing was written.
   */
  async #settled(batch: CommitBatch, open: readonly ConversationCommit[], error: unknown): Promise<boolean> {
    try {
      const standing = await this.#standing(batch, open);
      return open.some((conversation) => outcomeOf(conversation, standing)?.t !== 'committed');
    } catch {
      throw unknown(error);
    }
  }

  async #standing(batch: CommitBatch, open: readonly ConversationCommit[]): Promise<Standing> {
    const standing = await readStanding(this.#options.database, batch.batchId, open);
    if (standing.epoch !== batch.epoch) throw otherEpoch(standing.epoch, batch.epoch);
    return standing;
  }
}

const commitBehind = ';COMMIT';

/**
 * The same packets with COMMIT in one of its own. On Galera another node's commit may abort a transaction between two of
 * its statements; where the next one is a COMMIT of the same packet, MariaDB (10.11) answers OK, and nothing is written.
 */
function commitApart(packets: readonly string[]): readonly string[] {
  const last = packets.at(-1);
  if (last?.endsWith(commitBehind) !== true) return packets;
  return [...packets.slice(0, -1), last.slice(0, -commitBehind.length), 'COMMIT'];
}

/** Whether all statements but the last, which is COMMIT, have succeeded. */
function committing(error: unknown, packet: string): boolean {
  return error instanceof ServerError && error.succeeded === packet.split(';').length - 1;
}

function isConflict(failure: Failure): boolean {
  return failure === 'conflict' || failure === 'contended';
}

/** A failpoint whose error stands for a database that can't be reached. */
async function hit(failpoints: Failpoints | undefined, name: 'beforeCommit' | 'afterCommit'): Promise<void> {
  try {
    await failpoints?.hit(name);
  } catch (cause) {
    throw name === 'afterCommit' ? unknown(cause) : refusal(cause);
  }
}

function unknown(cause: unknown): StoreError {
  return new StoreError('unknown', `the database may or may not have committed: ${messageOf(cause)}`, cause);
}

function otherEpoch(is: string, wanted: string): StoreError {
  return new StoreError('epoch', `the store's epoch is ${is}, not ${wanted}`);
}
