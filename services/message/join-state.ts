/**
 * Whether a message node that has started may own conversations: not before every live edge has told it of its sessions,
 * for what it commits before that, those edges would have to find out about by themselves. Edges that do not come are not
 * waited for without end, and for a moment nobody is believed to be missing: an edge that has just started, or a directory
 * that has just come back, is not listed yet. Pure.
 */
export interface JoinState {
  readonly t: 'joining' | 'owner';
  /** When others could see it first; undefined before. */
  readonly announcedAtMs: number | undefined;
  /** The live edges, as the directory has them; undefined before it could be asked. */
  readonly edges: ReadonlySet<string> | undefined;
  /** The edges that have told of all their sessions, and are linked. */
  readonly told: ReadonlySet<string>;
}

export type JoinEvent =
  | { readonly t: 'announced' }
  /** The directory lists these edges. */
  | { readonly t: 'edges'; readonly nodeIds: readonly string[] }
  /** These edges are linked and have told. */
  | { readonly t: 'told'; readonly nodeIds: readonly string[] }
  | { readonly t: 'time' };

export interface JoinConfig {
  /** In which every live edge renews its lease. */
  readonly leastMs: number;
  /** After which edges that have not told are not waited for. */
  readonly mostMs: number;
}

export const joining: JoinState = {
  t: 'joining',
  announcedAtMs: undefined,
  edges: undefined,
  told: new Set(),
};

/** An owner stays one: edges that come and go later are the links' concern. */
export function step(state: JoinState, event: JoinEvent, nowMs: number, config: JoinConfig): JoinState {
  if (state.t === 'owner') return state;
  const next: JoinState = {
    ...state,
    ...(event.t === 'announced' && { announcedAtMs: nowMs }),
    ...(event.t === 'edges' && { edges: new Set(event.nodeIds) }),
    ...(event.t === 'told' && { told: new Set(event.nodeIds) }),
  };
  const { announcedAtMs, edges, told } = next;
  if (announcedAtMs === undefined) return next;
  const waitedMs = nowMs - announcedAtMs;
  const complete = edges !== undefined && [...edges].every((nodeId) => told.has(nodeId));
  const isOwner = waitedMs >= config.mostMs || (complete && waitedMs >= config.leastMs);
  return isOwner ? { ...next, t: 'owner' } : next;
}
