import type { Worker } from 'node:worker_threads';
import { Slots } from '../../core/slots.ts';
import { type CommitStep, StoreError } from '../../ports/message-store.ts';
import { logEvent, type StoreLog } from './events.ts';
import { StoreMeters } from './meters.ts';
import type { Call, CallName, Packed, Reply, StoreCalls } from './protocol.ts';

interface Pending {
  readonly name: CallName;
  readonly args: Call['args'];
  readonly moved: Packed | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: StoreError) => void;
  readonly told: Told;
}

/** Who hears of a call before its answer. */
interface Told {
  readonly onProgress?: ((entries: number) => void) | undefined;
  readonly onStep?: ((step: CommitStep) => void) | undefined;
}

const writes: ReadonlySet<CallName> = new Set([
  'commit',
  'raiseCursors',
  'leaseWorker',
  'outboxRemove',
  'outboxAdopt',
  'auditWrite',
  'auditTrim',
  'deviceRegister',
  'deviceRemove',
  'deviceRemoveAll',
  'pushSettingsSave',
  'silence',
  'pushTold',
  'renewEpoch',
  'close',
]);

/** Reads in the thread at once. More would only stand in front of the next commit. */
const readsAtOnce = 8;
const readsWaitingAtMost = 4_096;
const writesAtMost = 256;

type Identity = { readonly epoch: string; readonly clientKeySecret: Uint8Array };

/**
 * Calls to the store's thread, matched with their answers. Writes go over at once; reads a few at a time, so that a
 * commit never stands behind more than those. Both queues are bounded: what doesn't fit is refused as `unavailable`.
 */
export class ThreadCalls {
  readonly started: Promise<Identity>;
  readonly meters = new StoreMeters();
  readonly #worker: Worker;
  readonly #log: StoreLog | undefined;
  readonly #begun = Promise.withResolvers<Identity>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #pending = new Slots<Pending>();
  readonly #waiting: Pending[] = [];
  #closing = false;
  #running = false;
  #dead = false;

  constructor(worker: Worker, log?: StoreLog, onFatal?: (error: Error) => void) {
    this.#worker = worker;
    this.#log = log;
    this.started = this.#begun.promise;
    worker.on('message', (reply: Reply) => this.#take(reply));
    worker.on('error', (error: Error) => this.#died(error, onFatal));
    worker.on('exit', (code) => {
      if (!this.#closing) this.#died(new Error(`the store's thread ended with code ${code}`), onFatal);
      this.#ended.resolve();
    });
  }

  /** `moved` goes over to the thread and can't be used here any more. */
  call<N extends CallName>(
    name: N,
    args: Parameters<StoreCalls[N]>,
    moved?: Packed,
    told: Told = {},
  ): Promise<ReturnType<StoreCalls[N]>> {
    if (this.#closing) return Promise.reject(new StoreError('unavailable', 'the store is closed'));
    return this.#start(name, args, moved, told) as Promise<ReturnType<StoreCalls[N]>>;
  }

  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      for (const pending of this.#waiting.splice(0))
        pending.reject(new StoreError('unavailable', 'the store is closed'));
      if (!this.#dead) await this.#start('close', [], undefined, {});
    }
    await this.#ended.promise;
  }

  #start(name: CallName, args: Call['args'], moved: Packed | undefined, told: Told): Promise<unknown> {
    if (this.#dead) return Promise.reject(new StoreError('unavailable', "the store's thread has died"));
    if (this.#full(name)) {
      this.meters.overloads += 1;
      return Promise.reject(new StoreError('unavailable', 'the store has too much to do'));
    }
    return new Promise((resolve, reject) => {
      const pending: Pending = { name, args, moved, resolve, reject, told };
      if (writes.has(name)) {
        this.meters.writes += 1;
        this.#post(pending);
      } else if (this.meters.reads < readsAtOnce) {
        this.meters.reads += 1;
        this.#post(pending);
      } else {
        this.#waiting.push(pending);
        this.meters.readsWaiting = this.#waiting.length;
      }
    });
  }

  #full(name: CallName): boolean {
    // What only ends something finds room always.
    if (name === 'close' || name === 'backupEnd') return false;
    return writes.has(name) ? this.meters.writes >= writesAtMost : this.#waiting.length >= readsWaitingAtMost;
  }

  #post(pending: Pending): void {
    const { name, args, moved } = pending;
    const call: Call = { id: this.#pending.add(pending), name, args };
    this.#worker.postMessage(call, moved === undefined ? [] : [moved.buffer]);
  }

  #take(reply: Reply): void {
    switch (reply.t) {
      case 'started':
        this.#running = true;
        this.#begun.resolve(reply);
        return;
      case 'notStarted':
        this.#closing = true;
        this.#begun.reject(new StoreError(reply.kind, reply.message));
        return;
      case 'event':
        this.meters.take(reply.event);
        logEvent(this.#log, reply.event);
        return;
      case 'progress':
        this.#pending.get(reply.id)?.told.onProgress?.(reply.entries);
        return;
      case 'step':
        this.#pending.get(reply.id)?.told.onStep?.(reply.step);
        return;
      case 'answer':
        this.#finish(reply.id)?.resolve(reply.value);
        return;
      case 'refusal':
        this.#finish(reply.id)?.reject(new StoreError(reply.kind, reply.message));
        return;
    }
  }

  #finish(id: number): Pending | undefined {
    const pending = this.#pending.take(id);
    if (pending === undefined) return undefined;
    if (writes.has(pending.name)) this.meters.writes -= 1;
    else {
      const next = this.#waiting.shift();
      this.meters.readsWaiting = this.#waiting.length;
      if (next === undefined) this.meters.reads -= 1;
      else this.#post(next);
    }
    return pending;
  }

  #died(error: Error, onFatal: ((error: Error) => void) | undefined): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#begun.reject(error);
    for (const [id, { name, reject }] of this.#pending) {
      this.#pending.take(id);
      reject(
        new StoreError(name === 'commit' ? 'unknown' : 'unavailable', "the store's thread has died", error),
      );
    }
    for (const pending of this.#waiting.splice(0))
      pending.reject(new StoreError('unavailable', "the store's thread has died", error));
    if (this.#running && !this.#closing) onFatal?.(error);
  }
}
