/** What a group node counts, in plain numbers: telemetry reads them when it is asked. */
export class GroupMeters {
  /** Changes decided, by kind. */
  readonly decided = new Map<string, number>();
  /** Changes refused, by reason. */
  readonly refused = new Map<string, number>();
  /** Changes that message nodes said were committed. */
  committed = 0;
  /** Answers that a full or closed link did not take; whoever asked gives up waiting by itself. */
  unsent = 0;
  /** Links to message nodes. */
  links = 0;

  decide(kind: string): void {
    this.decided.set(kind, (this.decided.get(kind) ?? 0) + 1);
  }

  refuse(reason: string): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
  }
}
