import { createHash } from 'node:crypto';
import { Digester, type TableDigests } from './digests.ts';
import type { Manifest } from './manifest.ts';
import { readPart } from './part-reader.ts';
import type { Progress } from './progress.ts';

export interface Survey {
  readonly tables: TableDigests;
  readonly parts: Manifest['parts'];
}

/** Reads the first `count` parts of an archive whole. Throws an ArchiveError for one that is damaged or missing. */
export async function surveyParts(options: {
  readonly directory: string;
  readonly epoch: string;
  readonly count: number;
  readonly progress: Progress;
}): Promise<Survey> {
  const { directory, epoch, count, progress } = options;
  const digester = new Digester();
  const parts: Manifest['parts'][number][] = [];
  for (let no = 1; no <= count; no += 1) {
    const hash = createHash('sha256');
    let bytes = 0;
    let frames = 0;
    const onBytes = (more: number): void => {
      bytes += more;
      progress.advance(more);
    };
    for await (const frame of readPart({ directory, no, epoch, hash, onBytes })) {
      digester.add(frame);
      frames += 1;
    }
    parts.push({ bytes, frames, sha256: hash.digest('hex') });
  }
  return { tables: digester.finish(), parts };
}
