import type { Ledger } from './ledger.ts';
import type { PageBook } from './page-book.ts';
import type { ReferenceStream } from './reference.ts';
import type { Topology } from './topology.ts';

/** One user's connection to a server under test. */
export interface Client {
  /** Connects and signs in. */
  open(): Promise<void>;
  /** Sends message k. Never waits. */
  send(k: number, conversation: number, side: number): void;
  /** Asks for the newest page of a conversation's history; the answer goes to the page book. */
  page?(k: number, conversation: number, side: number): void;
  /** Called several times a second: acknowledgements, heartbeats. */
  visit?(nowMs: number): void;
  close(): void;
}

/** What all clients of a load share. */
export interface Traffic {
  /** The server's door for a user. */
  portFor(user: number): number;
  readonly topology: Topology;
  readonly ledger: Ledger;
  readonly pages: PageBook;
  /** Set where everybody is in one group and the server sends all members the same bytes in one order. */
  readonly reference: ReferenceStream | undefined;
  /** The text of every message; its stamp is filled in. */
  readonly blank: Buffer;
  /** True: the next delivery that is scanned is thrown away, to see that this is noticed. */
  dropOne: boolean;
}

export const userName = (user: number, prefix = 'u'): string => `${prefix}${String(user).padStart(5, '0')}`;

/** Bytes of an item that was not whole yet, in front of what came after them. */
export function join(carry: Buffer, buffer: Buffer, start: number, end: number): Buffer {
  const whole = Buffer.allocUnsafe(carry.length + end - start);
  carry.copy(whole, 0);
  buffer.copy(whole, carry.length, start, end);
  return whole;
}

export const nothing: Buffer = Buffer.alloc(0);
