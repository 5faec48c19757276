import type { NodeListing, NodeRecord } from '../ports/directory.ts';

/**
 * The live nodes of one role, as far as the directory can tell. Who is missing from a listing counts as gone only where
 * the directory is known to have remembered everybody: for a while after it was out of reach, emptied or restarted,
 * it may just not have been told again. Until that *settling* has passed the view is `unavailable`, keeps whom it knew
 * and takes in whom it sees, and links alone have to decide who is alive. Pure.
 */
export interface NodeView {
  readonly t: 'unavailable' | 'available';
  readonly nodes: ReadonlyMap<string, NodeRecord>;
  readonly generation: string;
  /** When the last listing came; −Infinity before the first one. */
  readonly listedAtMs: number;
  /** While unavailable: when absence counts again, if listings keep coming. */
  readonly settledAtMs: number;
}

export type NodeViewEvent =
  | { readonly t: 'listed'; readonly listing: NodeListing; readonly nowMs: number }
  | { readonly t: 'failed' };

export type NodeChange =
  /** A node that was not known, or a new incarnation of one that was. */
  | { readonly t: 'joined'; readonly node: NodeRecord }
  /** Address, state, load or protocol are others. */
  | { readonly t: 'changed'; readonly node: NodeRecord }
  | { readonly t: 'left'; readonly node: NodeRecord }
  /** From here on absence counts; or it does not (told again when the directory is lost while it settles). */
  | { readonly t: 'available' }
  | { readonly t: 'unavailable' };

export interface NodeViewConfig {
  /** After so long without a listing nodes may have lapsed only because nobody could renew. */
  readonly staleAfterMs: number;
  /** How long nodes get to register again: several renewals, and more than a lease. */
  readonly settleMs: number;
}

export const unknownNodes: NodeView = {
  t: 'unavailable',
  nodes: new Map(),
  generation: '',
  listedAtMs: Number.NEGATIVE_INFINITY,
  settledAtMs: Number.POSITIVE_INFINITY,
};

export function step(
  view: NodeView,
  event: NodeViewEvent,
  config: NodeViewConfig,
): readonly [NodeView, readonly NodeChange[]] {
  if (event.t === 'failed') {
    const lost: NodeView = { ...view, t: 'unavailable', settledAtMs: Number.POSITIVE_INFINITY };
    return [lost, isInReach(view) ? [{ t: 'unavailable' }] : []];
  }
  const { listing, nowMs } = event;
  const doubtful =
    listing.generation !== view.generation ||
    nowMs - view.listedAtMs > config.staleAfterMs ||
    (view.t === 'unavailable' && view.settledAtMs === Number.POSITIVE_INFINITY);
  const settledAtMs = doubtful ? nowMs + config.settleMs : view.settledAtMs;
  const available = !doubtful && (view.t === 'available' || nowMs >= settledAtMs);
  const changes: NodeChange[] = [];
  if (view.t === 'available' && !available) changes.push({ t: 'unavailable' });
  if (view.t === 'unavailable' && available) changes.push({ t: 'available' });
  const nodes = new Map<string, NodeRecord>();
  for (const node of listing.nodes) {
    nodes.set(node.id, node);
    const known = view.nodes.get(node.id);
    if (known?.incarnation !== node.incarnation) changes.push({ t: 'joined', node });
    else if (!isSame(known, node)) changes.push({ t: 'changed', node });
  }
  for (const [id, node] of view.nodes) {
    if (nodes.has(id)) continue;
    if (available) changes.push({ t: 'left', node });
    else nodes.set(id, node);
  }
  const { generation } = listing;
  return [
    { t: available ? 'available' : 'unavailable', nodes, generation, listedAtMs: nowMs, settledAtMs },
    changes,
  ];
}

/** Whether the last look at the directory was answered: not only available views, but those that settle, too. */
export function isInReach(view: NodeView): boolean {
  return view.settledAtMs !== Number.POSITIVE_INFINITY;
}

function isSame(one: NodeRecord, other: NodeRecord): boolean {
  const { address, state, load, protocol } = one;
  return (
    address === other.address && state === other.state && load === other.load && protocol === other.protocol
  );
}
