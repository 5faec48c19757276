import type { ConvNo } from '../../core/ids.ts';
import { type ClientKey, type Duplicate, StoreError } from '../../ports/message-store.ts';
import { clientKeyKey, entryKey } from './keys.ts';
import type { Level } from './level.ts';
import { decodeEntryRow, decodeSeq } from './rows.ts';

/** The entry of a conversation that has this client key. `mayHave` may spare the look-up. */
export function findDuplicate(
  level: Level,
  convNo: ConvNo,
  clientKey: ClientKey,
  mayHave: (key: Buffer) => boolean = () => true,
): Duplicate | undefined {
  const key = clientKeyKey(convNo, clientKey);
  if (!mayHave(key)) return undefined;
  const found = level.getSync(key);
  if (found === undefined) return undefined;
  const seq = decodeSeq(found);
  const value = level.getSync(entryKey(convNo, seq));
  if (value === undefined)
    throw new StoreError('unavailable', `entry ${seq} of conversation ${convNo} is missing`);
  const { msgId, kind, createdAtMs } = decodeEntryRow(value);
  return { clientKey, seq, msgId, kind, createdAtMs };
}
