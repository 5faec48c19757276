import type { Clock } from '../core/clock.ts';
import { Code, Fault, toFault } from '../core/fault.ts';
import type { LogFields, Logger } from '../core/log.ts';
import type { Act, Actor, AuditedActs } from '../peer/administration.ts';
import { type AuditLog, auditPageMost, type AuditRecord } from '../ports/audit-log.ts';
import { StoreError } from '../ports/message-store.ts';
import { auditDetails, auditText, newAuditId } from '../ports/audit-record.ts';

export interface AuditTrailParts {
  /** Rejects with a Fault, or with the error of the store. */
  readonly audit: Pick<AuditLog, 'write'>;
  readonly nodeId: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Ends that could not be recorded yet, at most; tokens that wait to be recorded, at most. */
const endsMost = 1_000;
const issuedMost = 10_000;
const againMs = 1_000;

/** Codes of faults that do not say that nothing was carried out: some of it may have been. */
const unsure: ReadonlySet<number> = new Set([Code.Unavailable, Code.DeadlineExceeded, Code.Internal]);

interface Issued {
  readonly record: AuditRecord;
  readonly done: () => void;
  readonly failed: (fault: Fault) => void;
}

/**
 * Has every administrative act recorded: that it is begun before anything is carried out, so that none is missing, and
 * how it ended as soon as that can be written. A record that stays `begun` is one whose node died in the middle, or could
 * not reach the log since. Issued tokens have one record each, written before anybody has the token; those of a moment are
 * written together.
 */
export class AuditTrail implements AuditedActs {
  readonly #parts: AuditTrailParts;
  #ends: AuditRecord[] = [];
  #issued: Issued[] = [];
  #issuing = false;
  #timer: NodeJS.Timeout | undefined;
  /** Ends that were given up: their records stay `begun`. */
  lost = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: AuditTrailParts) {
    this.#parts = parts;
  }

  async act<T>(
    by: Actor,
    act: Act,
    carryOut: () => Promise<T>,
    isWhole: (result: T) => boolean = () => true,
  ): Promise<T> {
    const begun = this.#record(by, act);
    try {
      await this.#parts.audit.write('acts', [begun]);
    } catch (error) {
      throw unrecorded(error);
    }
    try {
      const result = await carryOut();
      this.#ended(
        isWhole(result) ? { ...begun, result: 'done' } : { ...begun, result: 'failed', reason: 'partial' },
      );
      return result;
    } catch (error) {
      const { reason, spec } = toFault(error);
      this.#ended({ ...begun, result: unsure.has(spec.code) ? 'failed' : 'refused', reason });
      throw error;
    }
  }

  issued(by: Actor, act: Act): Promise<void> {
    if (this.#issued.length >= issuedMost)
      return Promise.reject(
        new Fault('overloaded', { message: 'too many tokens at once', retryAfterMs: 500 }),
      );
    const record: AuditRecord = { ...this.#record(by, act), result: 'done' };
    const recorded = new Promise<void>((done, failed) => {
      this.#issued.push({ record: { ...record, endedAtMs: record.atMs }, done, failed });
    });
    void this.#issue();
    return recorded;
  }

  /** Something that this node did by itself, and that is over; written when that is possible. */
  note(act: Act): void {
    const by = { name: `node:${this.#parts.nodeId}`, remoteAddress: '' };
    this.#ended({ ...this.#record(by, act), result: 'done' });
  }

  /** Writes what is left, once. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#writeEnds();
    clearTimeout(this.#timer);
  }

  #record(by: Actor, { action, target, details = {} }: Act): AuditRecord {
    const { clock, nodeId } = this.#parts;
    const atMs = clock.wallMs();
    return {
      id: newAuditId(atMs),
      atMs: Math.floor(atMs),
      actor: auditText(by.name),
      action,
      target: auditText(target),
      remoteAddress: auditText(by.remoteAddress),
      nodeId: auditText(nodeId),
      details: auditDetails(details),
      result: 'begun',
      reason: '',
      endedAtMs: 0,
    };
  }

  #ended(record: AuditRecord): void {
    const ended = { ...record, endedAtMs: Math.floor(this.#parts.clock.wallMs()) };
    this.#tell(ended);
    if (this.#ends.length >= endsMost) {
      this.#ends.shift();
      this.lost += 1;
    }
    this.#ends.push(ended);
    void this.#writeEnds();
  }

  /** One write after the other; resolves when what is there now has been tried. */
  #writeEnds(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#tryEnds());
    return this.#writing;
  }

  async #tryEnds(): Promise<void> {
    const ends = this.#ends;
    if (ends.length === 0) return;
    this.#ends = [];
    try {
      await this.#parts.audit.write('acts', ends);
    } catch (error) {
      if (isRejected(error)) {
        // It would be the next time, too, and hold back all that comes later.
        this.lost += ends.length;
        this.#parts.log.error(
          'ends of administrative acts can not be recorded',
          { 'event.action': 'audit-lost' },
          error,
        );
        return;
      }
      this.#parts.log.warn(
        'ends of administrative acts are yet to be recorded',
        {
          'event.action': 'audit-late',
        },
        error,
      );
      const all = [...ends, ...this.#ends];
      this.lost += Math.max(0, all.length - endsMost);
      this.#ends = all.slice(-endsMost);
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => void this.#writeEnds(), againMs);
      this.#timer.unref();
    }
  }

  /** One write at a time; what comes meanwhile goes with the next one. */
  async #issue(): Promise<void> {
    if (this.#issuing) return;
    this.#issuing = true;
    while (this.#issued.length > 0) {
      const batch = this.#issued.splice(0, auditPageMost);
      try {
        await this.#parts.audit.write(
          'issuedTokens',
          batch.map(({ record }) => record),
        );
        for (const { record, done } of batch) {
          this.#tell(record);
          done();
        }
      } catch (error) {
        const fault = unrecorded(error);
        for (const { failed } of batch) failed(fault);
      }
    }
    this.#issuing = false;
  }

  #tell({ id, actor, action, target, remoteAddress, result, reason }: AuditRecord): void {
    const fields: LogFields = {
      'event.action': 'administrative-act',
      'parley.audit.id': id,
      'parley.audit.actor': actor,
      'parley.audit.action': action,
      'parley.audit.target': target,
      'parley.audit.result': result,
      ...(reason === '' ? {} : { 'parley.audit.reason': reason }),
      ...(remoteAddress === '' ? {} : { 'client.address': remoteAddress }),
    };
    this.#parts.log.info('an administrative act', fields);
  }
}

/** Whether a log does not keep what it was given: by its own word, or by that of the node that writes it. */
function isRejected(error: unknown): boolean {
  if (error instanceof StoreError) return error.kind === 'rejected';
  return error instanceof Fault && error.reason === 'invalidField';
}

function unrecorded(cause: unknown): Fault {
  return new Fault('storeUnavailable', {
    message: 'the audit log can not be written: nothing was carried out',
    retryAfterMs: 1_000,
    cause,
  });
}
