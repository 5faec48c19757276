import { z } from 'zod';
import { option, type OptionTable } from '../core/config.ts';

export const messageOptions = {
  recallWindowMs: option({
    env: 'PARLEY_RECALL_WINDOW_MS',
    type: z.int().min(0),
    default: 86_400_000,
    doc: 'How long members may recall their own messages, in milliseconds; 0 means for ever.',
  }),
  laneQueueBytes: option({
    env: 'PARLEY_LANE_QUEUE_BYTES',
    type: z.int().min(65_536),
    default: 64 * 1024 * 1024,
    doc: 'Bytes of commands that wait for a commit, at most; beyond it commands are refused with a retry.',
  }),
  batchEntries: option({
    env: 'PARLEY_BATCH_ENTRIES',
    type: z.int().min(1).max(4_096),
    default: 1_024,
    doc: 'Most commands in one commit.',
  }),
  batchBytes: option({
    env: 'PARLEY_BATCH_BYTES',
    type: z.int().min(65_536),
    default: 2 * 1024 * 1024,
    doc: 'Bytes of commands after which a batch is full.',
  }),
  gatherMs: option({
    env: 'PARLEY_GATHER_MS',
    type: z.int().min(0).max(50),
    default: 10,
    doc: 'Longest interval between commits of 32 commands or more, in which the next gathers more: from 5 milliseconds, longer the more come; 0: none.',
  }),
  hotConversations: option({
    env: 'PARLEY_HOT_CONVERSATIONS',
    type: z.int().min(100),
    default: 100_000,
    doc: 'Conversations held in memory, at most.',
  }),
  hotMembers: option({
    env: 'PARLEY_HOT_MEMBERS',
    type: z.int().min(10_000),
    default: 2_000_000,
    doc: 'Members of these conversations, former ones included, and their cursors held in memory, at most; each takes some 200 bytes. The conversations that were not used for the longest time go.',
  }),
  recentBytes: option({
    env: 'PARLEY_RECENT_BYTES',
    type: z.int().min(1_048_576),
    default: 128 * 1024 * 1024,
    doc: 'Bytes of the newest entries of hot conversations held in memory, at most: 32 to 64 of each. Where more than 4,000 conversations share 128 MiB it is fewer, and none from 16,000 on.',
  }),
  pageBytes: option({
    env: 'PARLEY_PAGE_BYTES',
    type: z.int().min(1_048_576),
    default: 64 * 1024 * 1024,
    doc: 'Bytes of pages of history held in memory, at most.',
  }),
  cursorFlushMs: option({
    env: 'PARLEY_CURSOR_FLUSH_MS',
    type: z.int().min(50).max(1_000),
    default: 500,
    doc: 'How often cursors are written, in milliseconds.',
  }),
  decideTimeoutMs: option({
    env: 'PARLEY_DECIDE_TIMEOUT_MS',
    type: z.int().min(100),
    default: 5_000,
    doc: 'How long a group node may take to decide, in milliseconds.',
  }),
} satisfies OptionTable;
