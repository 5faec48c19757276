import { z } from 'zod';
import { option, type OptionTable } from '../core/config.ts';

export const archiveOptions = {
  partBytes: option({
    env: 'PARLEY_EXPORT_PART_BYTES',
    type: z.int().min(1_024).max(1_099_511_627_776),
    default: 64 * 1024 * 1024,
    doc: 'Bytes of a file of `parley export`, about; an export that was cut off goes on behind the last whole file.',
  }),
  backupBytesPerSecond: option({
    env: 'PARLEY_BACKUP_BYTES_PER_S',
    type: z.int().min(0),
    default: 16 * 1024 * 1024,
    doc: 'How fast a running server hands out a backup of the embedded store, in bytes a second, so that sends are not slowed much; 0 for as fast as it can.',
  }),
} satisfies OptionTable;
