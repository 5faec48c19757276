import type { Command } from '../../gen/parley/chat/v1/session_pb.ts';

/**
 * What commands cost of their user's rate. One is what an ordinary command costs, some ten microseconds of the process
 * that serves everybody; what makes much more work costs more, so that nobody gets more of it by asking differently.
 */
export const cost = {
  /** A hello: a signature to verify, and message nodes to tell. */
  hello: 20,
  /** A place in an ack. */
  acknowledged: 0.1,
  /** A kilobyte of a frame, whatever is in it. */
  kilobyte: 1,
  /** A frame, even an empty one. */
  frame: 0.2,
  /** A conversation in the answer to sync. */
  synced: 1,
  /** A user whose presence is asked for. */
  presence: 0.5,
  /** A user named by a change of a group. */
  member: 0.5,
  /** A refusal is cheaper than what it refuses, but not free. */
  refused: 0.25,
} as const;

/** What a command of a session costs that is neither send nor ack. */
export function commandCost({ case: kind, value }: Command['command']): number {
  switch (kind) {
    case 'sync':
      return 10 + value.known.length / 10;
    case 'watch':
      return 1 + value.userIds.length * cost.presence;
    case 'typing':
      // Heard by up to 100.
      return 10;
    case 'auth':
      return cost.hello;
    default:
      return 1;
  }
}
