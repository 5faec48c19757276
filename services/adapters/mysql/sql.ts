import { type ClientKey, StoreError } from '../../ports/message-store.ts';

/**
 * Values as SQL. Numbers are digits, everything else is a hexadecimal literal: nothing that people write is ever part of
 * a statement, so there is nothing to escape, and a statement is ASCII whatever the character sets are.
 */

/** An integer from 0 to 2^53 − 1. Throws a StoreError `rejected` for anything else. */
export function int(value: number): string {
  assertInt(value);
  return String(value);
}

export function assertInt(value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new StoreError('rejected', `${value} is no number that the store can keep`);
}

/** An unsigned 64-bit integer. */
export function big(value: bigint): string {
  assertBig(value);
  return value.toString();
}

export function assertBig(value: bigint): void {
  if (value < 0n || value > 0xffff_ffff_ffff_ffffn)
    throw new StoreError('rejected', `${value} is no number that the store can keep`);
}

/** Text as its UTF-8. Throws a StoreError `rejected` for a lone surrogate, which has none. */
export function text(value: string): string {
  assertText(value);
  return `X'${Buffer.from(value, 'utf8').toString('hex')}'`;
}

export function assertText(value: string): void {
  if (!value.isWellFormed()) throw new StoreError('rejected', 'a text with a lone surrogate');
}

export function bytes(value: Uint8Array): string {
  const buffer = Buffer.isBuffer(value)
    ? value
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return `X'${buffer.toString('hex')}'`;
}

const clientKeyBytes = 16;

/** A client key. Throws a StoreError `rejected` for one that has not 16 bytes, each a character below U+0100. */
export function clientKey(value: ClientKey): string {
  let bits = 0;
  for (let at = 0; at < value.length; at += 1) bits |= value.charCodeAt(at);
  if (value.length !== clientKeyBytes || bits > 0xff)
    throw new StoreError(
      'rejected',
      `a client key has ${clientKeyBytes} bytes, not ${value.length} characters`,
    );
  return `X'${Buffer.from(value, 'latin1').toString('hex')}'`;
}

/** Values in parentheses, for IN. At least one: SQL has no empty list. */
export function list(values: readonly string[]): string {
  return `(${values.join(',')})`;
}
