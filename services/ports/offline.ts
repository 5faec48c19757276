import type { UserId } from '../core/ids.ts';

/** Users that one question may name, at most. */
export const maxAskedUsers = 1_000;

/** Who is not there: asked by push, answered by the directory, or by the node itself in a single process. */
export interface Offline {
  /**
   * Those of the users who have no session anywhere, in the order given; at most `maxAskedUsers` are asked about. A
   * user who came or went within the last seconds may be counted wrongly. Rejects when nobody can say; ask again later.
   */
  offline(users: readonly UserId[]): Promise<readonly UserId[]>;
}
