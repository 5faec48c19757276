import { z } from 'zod';
import { option, type OptionTable } from '../core/config.ts';
import { frameLimits } from '../core/frame-limits.ts';

export const connectionOptions = {
  helloTimeoutMs: option({
    env: 'PARLEY_HELLO_TIMEOUT_MS',
    type: z.int().min(100),
    default: 10_000,
    doc: 'How long a session may take to say hello, in milliseconds.',
  }),
  pingIntervalMs: option({
    env: 'PARLEY_PING_INTERVAL_MS',
    type: z.int().min(1_000),
    default: 30_000,
    doc: 'Clients say something at least this often, in milliseconds; a session silent for three of these is closed.',
  }),
  ackIntervalMs: option({
    env: 'PARLEY_ACK_INTERVAL_MS',
    type: z.int().min(10).max(10_000),
    default: 500,
    doc: 'Clients acknowledge within this time, in milliseconds.',
  }),
  ackBytes: option({
    env: 'PARLEY_ACK_BYTES',
    type: z.int().min(1_024),
    default: 256 * 1024,
    doc: 'Clients acknowledge after this many received bytes at the latest.',
  }),
  windowBytes: option({
    env: 'PARLEY_SESSION_WINDOW_BYTES',
    type: z.int().min(65_536),
    default: 8 * 1024 * 1024,
    doc: 'Bytes pushed to a session and not acknowledged, at most; beyond it the session is told what to fetch instead.',
  }),
  redeliverAfterMs: option({
    env: 'PARLEY_REDELIVER_AFTER_MS',
    type: z.int().min(1_000),
    default: 30_000,
    doc: 'What is not acknowledged after this time is announced again, in milliseconds; up to three times.',
  }),
  slowConsumerMs: option({
    env: 'PARLEY_SLOW_CONSUMER_MS',
    type: z.int().min(1_000),
    default: 30_000,
    doc: 'A session that reads nothing for this time is closed, in milliseconds.',
  }),
  maxSessions: option({
    env: 'PARLEY_MAX_SESSIONS',
    type: z.int().min(1),
    default: 100_000,
    doc: 'Open sessions on one node, at most.',
  }),
  maxSessionsPerUser: option({
    env: 'PARLEY_MAX_SESSIONS_PER_USER',
    type: z.int().min(1),
    default: 50,
    doc: 'Open sessions of one user on one node, at most.',
  }),
  maxInFlight: option({
    env: 'PARLEY_SESSION_MAX_IN_FLIGHT',
    type: z.int().min(16),
    default: 4_096,
    doc: 'Commands of one session that wait for their answer, at most.',
  }),
  commandRate: option({
    env: 'PARLEY_USER_COMMAND_RATE',
    type: z.int().min(1),
    default: 2_000,
    doc: 'Commands and calls a second of one user, in the long run. What makes much work counts as several: a large frame, a sync, a watch, a call with many users.',
  }),
  commandBurst: option({
    env: 'PARLEY_USER_COMMAND_BURST',
    type: z.int().min(1),
    default: 8_000,
    doc: 'Commands and calls of one user at once, at most. Who goes on as much beyond it, whatever is refused, is cut off.',
  }),
  callTimeoutMs: option({
    env: 'PARLEY_CALL_TIMEOUT_MS',
    type: z.int().min(1_000),
    default: 30_000,
    doc: 'How long an answer of a message node may take, in milliseconds.',
  }),
  signInRate: option({
    env: 'PARLEY_SIGN_IN_RATE',
    type: z.number().min(0),
    default: 100,
    doc: 'Sign-ins a second from one address on all nodes together, in the long run; an IPv6 address counts with its network of 64 bits, this machine itself is not limited. 0: no limit.',
  }),
  signInBurst: option({
    env: 'PARLEY_SIGN_IN_BURST',
    type: z.int().min(1),
    default: 5_000,
    doc: 'Sign-ins from one address at once, at most.',
  }),
  lobby: option({
    env: 'PARLEY_LOBBY',
    type: z.boolean(),
    default: true,
    doc: 'Development only: whether everybody who signs in joins the group `lobby`.',
  }),
} satisfies OptionTable;

/** Limits that clients are told in welcome, the same everywhere. */
export const protocolLimits = {
  version: 1,
  frameBytes: 256 * 1024,
  commands: frameLimits.commands,
  textLength: 20_000,
  pageSize: 200,
  knownConversations: 5_000,
  newestEntries: 50,
  watchedUsers: 500,
  ackItems: frameLimits.ackItems,
} as const;
