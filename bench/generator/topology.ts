/** Who talks where. Users, conversations and the sides of a conversation are numbers from 0. */
export interface Topology {
  readonly users: number;
  readonly conversations: number;
  /** Members of each conversation. */
  readonly size: number;
  member(conversation: number, side: number): number;
  /** Which member of the conversation the user is; −1 when none. */
  side(conversation: number, user: number): number;
  /** Where message k goes, and which member sends it. Neighbouring numbers have different senders. */
  conversationFor(k: number): number;
  senderSideFor(k: number): number;
}

/** A prime above every count of conversations or members: steps through all of them before one comes again. */
const stride = 1_000_003;

/** One-to-one conversations: even users with odd ones, each pair at most once. */
export function pairs(users: number, conversations: number): Topology {
  const half = users / 2;
  if (!Number.isInteger(half)) throw new Error('pairs need an even number of users');
  if (conversations > half * half) throw new Error(`${users} users make at most ${half * half} pairs`);
  const even = (conversation: number) => 2 * (conversation % half);
  const odd = (conversation: number) =>
    (even(conversation) + 1 + 2 * Math.floor(conversation / half)) % users;
  return {
    users,
    conversations,
    size: 2,
    member: (conversation, side) => (side === 0 ? even(conversation) : odd(conversation)),
    side: (conversation, user) => (user === even(conversation) ? 0 : user === odd(conversation) ? 1 : -1),
    conversationFor: (k) => (k * stride) % conversations,
    senderSideFor: (k) => (k + Math.floor(k / conversations)) & 1,
  };
}

/** One group with everybody in it. */
export function oneGroup(members: number): Topology {
  return {
    users: members,
    conversations: 1,
    size: members,
    member: (_, side) => side,
    side: (conversation, user) => (conversation === 0 && user < members ? user : -1),
    conversationFor: () => 0,
    senderSideFor: (k) => (k * stride) % members,
  };
}
