import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ByteReader, putU32, putU53 } from '../core/bytes.ts';
import type { BackupHead, BackupPage } from '../ports/store-backup.ts';
import { ArchiveError } from './archive-error.ts';
import { framed } from './frame.ts';

/**
 * A backup, version 1, in a file and on its way there. It begins with `PARLEYB1` and goes on with frames as those of an
 * archive: length, CRC-32, payload. The first byte of a payload says what it is: the head (JSON) comes first, then rows
 * (how many, and the page as the store's adapter has it), and the end, which has the number of all rows and the SHA-256 of
 * all bytes before it. Where there is no end, the backup is cut off. A refusal stands on the way alone, never in a file.
 */
export const backupMagic = Buffer.from('PARLEYB1', 'latin1');

const codes = { head: 1, rows: 2, end: 3, refusal: 4 } as const;
const version = 1;
const rowsHeadBytes = 5;
const sha256Bytes = 32;

const headType = z.object({
  version: z.literal(version),
  createdAtMs: z.int().min(0),
  layout: z.int().min(1),
  epoch: z.string().min(1).max(32),
  bytes: z.int().min(0),
});

/** The head of a backup, and when it was begun. */
export type BackupStart = BackupHead & { readonly createdAtMs: number };

export type BackupPayload =
  | { readonly t: 'head'; readonly head: BackupStart }
  | { readonly t: 'rows'; readonly page: BackupPage }
  | { readonly t: 'end'; readonly rows: number; readonly sha256: Buffer }
  | { readonly t: 'refusal'; readonly why: string };

/** Makes the frames of one backup, in order. */
export class BackupEncoder {
  readonly #hash = createHash('sha256');
  #rows = 0;

  head({ layout, epoch, bytes, createdAtMs }: BackupStart): Buffer {
    const head = JSON.stringify({ version, createdAtMs, layout, epoch, bytes } satisfies z.infer<
      typeof headType
    >);
    return this.#hashed(
      Buffer.concat([backupMagic, framed(Buffer.concat([Buffer.of(codes.head), Buffer.from(head)]))]),
    );
  }

  rows({ rows, bytes }: BackupPage): Buffer {
    const payload = Buffer.allocUnsafe(rowsHeadBytes + bytes.byteLength);
    payload[0] = codes.rows;
    putU32(payload, 1, rows);
    payload.set(bytes, rowsHeadBytes);
    this.#rows += rows;
    return this.#hashed(framed(payload));
  }

  end(): Buffer {
    const payload = Buffer.allocUnsafe(9);
    payload[0] = codes.end;
    putU53(payload, 1, this.#rows);
    return framed(Buffer.concat([payload, this.#hash.digest()]));
  }

  #hashed(bytes: Buffer): Buffer {
    this.#hash.update(bytes);
    return bytes;
  }
}

/** Instead of a backup, or of the rest of one: says why there is none. */
export function refusalFrame(why: string): Buffer {
  return framed(Buffer.concat([Buffer.of(codes.refusal), Buffer.from(why)]));
}

/** Throws an ArchiveError or a RangeError for what is no payload of a backup. */
export function decodePayload(payload: Buffer): BackupPayload {
  const reader = new ByteReader(payload);
  switch (reader.u8()) {
    case codes.head:
      return { t: 'head', head: decodeHead(payload.toString('utf8', 1)) };
    case codes.rows:
      return { t: 'rows', page: { rows: reader.u32(), bytes: reader.rest() } };
    case codes.end: {
      const rows = reader.u53();
      const sha256 = Buffer.from(reader.rest());
      if (sha256.byteLength !== sha256Bytes) throw new RangeError('an end of no possible length');
      return { t: 'end', rows, sha256 };
    }
    case codes.refusal:
      return { t: 'refusal', why: payload.toString('utf8', 1) };
    default:
      throw new RangeError('a frame of no kind that is known');
  }
}

function decodeHead(text: string): BackupStart {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new ArchiveError('the backup is damaged: its head is no JSON', cause);
  }
  const { version: found } = Object(parsed) as { version?: unknown };
  if (typeof found === 'number' && found > version)
    throw new ArchiveError(
      `the backup has version ${found} of the format, this program knows ${version}: use a newer one`,
    );
  const head = headType.safeParse(parsed);
  if (!head.success) throw new ArchiveError(`the backup is damaged: ${z.prettifyError(head.error)}`);
  return head.data;
}
