/** What a client keeps in memory, at most. */
export interface ClientLimits {
  /** Items of a conversation that nobody looks at. */
  readonly tailItems: number;
  /** Items of one that has listeners. */
  readonly heldItems: number;
  /** A gap that is wider than this is not filled in a conversation that nobody looks at: its log begins anew. */
  readonly bridgeItems: number;
  /** Sends that wait or failed. */
  readonly pendingSends: number;
  /** Entries that `loadOlder` fetches. */
  readonly olderPage: number;
}

export const defaultLimits: ClientLimits = {
  tailItems: 500,
  heldItems: 10_000,
  bridgeItems: 100,
  pendingSends: 1_000,
  olderPage: 50,
};
