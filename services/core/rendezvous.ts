/**
 * Which of several nodes a key belongs to: the one with the highest hash of key and node (Thaler and Ravishankar,
 * "Using name-based mappings to increase hit rates", 1998). When a node comes or goes, only the keys that it gains or
 * had move. Whoever knows the same nodes chooses the same one, in any order.
 */
export function rendezvous<T extends { readonly nodeId: string }>(
  key: string,
  nodes: Iterable<T>,
): T | undefined {
  let best: T | undefined;
  let highest = -1;
  const keyHash = fnv1a(key, 0x811c9dc5);
  for (const node of nodes) {
    const weight = mixed(fnv1a(node.nodeId, keyHash));
    // Equal weights are decided by the name, so that all agree.
    if (weight > highest || (weight === highest && best !== undefined && node.nodeId > best.nodeId)) {
      highest = weight;
      best = node;
    }
  }
  return best;
}

/** FNV-1a over UTF-16 units, 32 bits. */
function fnv1a(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The finalizer of MurmurHash3: names that differ in their last letter alone get unlike weights. */
function mixed(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
