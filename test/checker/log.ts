/** What a client did and saw, in its order: the checker's evidence. */
export interface ClientLog {
  readonly user: string;
  readonly events: readonly ClientEvent[];
}

export type ClientEvent =
  /** A new session: what is live starts again. `run` counts the server's starts, where it is killed on purpose. */
  | { readonly t: 'connected'; readonly run?: number }
  /** The store was restored, and the client forgot all that it knew. */
  | { readonly t: 'startedOver'; readonly epoch: string }
  /** Handed over for the first time; sent again as often as needed, always with the same client id. */
  | { readonly t: 'send'; readonly convId: string; readonly clientId: string; readonly text: string }
  /** The server says that it is durable. */
  | {
      readonly t: 'sent';
      readonly convId: string;
      readonly clientId: string;
      readonly seq: number;
      readonly msgId: bigint;
    }
  /** Refused for good. */
  | { readonly t: 'refused'; readonly convId: string; readonly clientId: string; readonly reason: string }
  /** A live entry. */
  | { readonly t: 'entry'; readonly convId: string; readonly entry: SeenEntry }
  /** The server says that these were not, or not surely, delivered. */
  | { readonly t: 'gap'; readonly convId: string; readonly fromSeq: number; readonly toSeq: number }
  /** An entry that was fetched. */
  | { readonly t: 'fetched'; readonly convId: string; readonly entry: SeenEntry }
  /** How far the server says that a user is: pushed when it moved, or in the answer to a sync. */
  | {
      readonly t: 'cursor';
      readonly way: 'push' | 'sync';
      readonly convId: string;
      readonly user: string;
      readonly deliveredSeq: number;
      readonly readSeq: number;
    };

export interface SeenEntry {
  readonly seq: number;
  readonly msgId: bigint;
  readonly sender: string;
  /** Empty for entries that no client asked for. */
  readonly clientId: string;
  readonly content: EntryContent;
}

export type EntryContent =
  | { readonly t: 'message'; readonly text: string }
  | { readonly t: 'recalled' }
  | { readonly t: 'recall'; readonly targetSeq: number }
  | { readonly t: 'groupCreated'; readonly members: readonly string[] }
  | { readonly t: 'groupRenamed' }
  | { readonly t: 'membersAdded'; readonly users: readonly string[] }
  | { readonly t: 'memberRemoved'; readonly user: string; readonly left: boolean }
  | { readonly t: 'roleChanged'; readonly user: string; readonly role: Role }
  /** Stands for all up to a seq that this reader may not see. */
  | { readonly t: 'hidden'; readonly throughSeq: number };

export type Role = 'member' | 'admin' | 'owner';

/** A conversation as the store has it, read at the end. */
export interface StoredConversation {
  readonly convId: string;
  /** The two users of a direct conversation. */
  readonly direct: readonly [string, string] | undefined;
  readonly entries: readonly SeenEntry[];
  /** Cursors at the end. */
  readonly cursors: readonly StoredCursor[];
}

export interface StoredCursor {
  readonly user: string;
  readonly deliveredSeq: number;
  readonly readSeq: number;
}

/** Everything that a run leaves behind. */
export interface Evidence {
  readonly clients: readonly ClientLog[];
  readonly store: readonly StoredConversation[];
  /** Nodes that kept cursors died while sessions went on: what is told of cursors may go back for a while. */
  readonly cursorsMayLag?: boolean;
  /** Callers that are no members and may write all the same: services. */
  readonly services?: ReadonlySet<string>;
}
