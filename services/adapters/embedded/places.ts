import { getU53, getU64, putU53, putU64 } from '../../core/bytes.ts';
import type { ConvNo, MsgId, Seq } from '../../core/ids.ts';
import type { Database } from './database.ts';
import { msgIdKey, msgIdOf, placesKey, table, tableRange } from './keys.ts';
import type { Level, LevelSnapshot } from './level.ts';
import { decodePlaceRow, encodePlaceRow } from './rows.ts';
import type { LevelBatch } from './schema.ts';

/** Where an entry is. */
export interface Place {
  readonly msgId: MsgId;
  readonly convNo: ConvNo;
  readonly seq: Seq;
}

const placeBytes = 24;

/**
 * The index of entries by msg id. Ids are drawn in ascending order, so one row holds all those of a commit under the
 * first of them, and an id is found in the last row that begins at or before it: one record for LevelDB to log, sort and
 * compact instead of one an entry. Ids that come out of order, as in an import, have a row each.
 */
export class Places {
  /** The highest id in a row of several. */
  #last: MsgId;

  private constructor(last: MsgId) {
    this.#last = last;
  }

  static async begin(database: Database): Promise<Places> {
    const [row] = await database.level.values({ ...tableRange(table.places), reverse: true, limit: 1 }).all();
    return new Places(row === undefined ? 0n : getU64(row, row.byteLength - placeBytes));
  }

  /** Puts what is needed to find these entries again. */
  put(batch: LevelBatch, placed: readonly Place[]): void {
    const [first] = placed;
    if (first === undefined) return;
    if (!this.#follow(placed)) {
      for (const place of placed) batch.put(msgIdKey(place.msgId), encodePlaceRow(place));
      return;
    }
    const value = Buffer.allocUnsafe(placed.length * placeBytes);
    for (const [i, { msgId, convNo, seq }] of placed.entries()) {
      putU64(value, i * placeBytes, msgId);
      putU64(value, i * placeBytes + 8, convNo);
      putU53(value, i * placeBytes + 16, seq);
    }
    batch.put(placesKey(first.msgId), value);
    // Also where the batch is never written: what is tried again then has a row each, which is as good.
    this.#last = (placed.at(-1) as Place).msgId;
  }

  #follow(placed: readonly Place[]): boolean {
    let last = this.#last;
    for (const { msgId } of placed) {
      if (msgId <= last) return false;
      last = msgId;
    }
    return true;
  }
}

/** The places in a row of `places`, in the order of their ids. */
export function decodePlaces(value: Buffer): Place[] {
  const places: Place[] = [];
  for (let at = 0; at < value.byteLength; at += placeBytes)
    places.push({ msgId: getU64(value, at), convNo: getU64(value, at + 8), seq: getU53(value, at + 16) });
  return places;
}

/** Where the entry with this id is, if there is one. */
export async function findPlace(
  level: Level,
  msgId: MsgId,
  snapshot?: LevelSnapshot,
): Promise<Place | undefined> {
  const { gte } = tableRange(table.places);
  const [row] = await level.values({ gte, lte: placesKey(msgId), reverse: true, limit: 1, snapshot }).all();
  const found = row && decodePlaces(row).find((place) => place.msgId === msgId);
  if (found !== undefined) return found;
  const single = level.getSync(msgIdKey(msgId), { snapshot });
  return single && { msgId, ...decodePlaceRow(single) };
}

/** What stands in one row of either table of the index. */
export function placesOf(key: Buffer, value: Buffer): Place[] {
  return key[0] === table.places ? decodePlaces(value) : [{ msgId: msgIdOf(key), ...decodePlaceRow(value) }];
}
