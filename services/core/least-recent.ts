/** Up to this many are sorted; of more, this many are asked for what is old. */
const sampled = 1_024;

interface Used {
  readonly usedAtMs: number;
}

/**
 * Those not used for the longest time, about `count` of them, in no promised order. Few are sorted exactly; among many,
 * a sample says what is old (as Redis' eviction does), since sorting a hundred thousand would hold up everything else.
 */
export function leastRecent<T extends Used>(items: readonly T[], count: number): readonly T[] {
  if (count <= 0) return [];
  if (count >= items.length) return items;
  if (items.length <= sampled)
    return items.toSorted((one, other) => one.usedAtMs - other.usedAtMs).slice(0, count);
  const step = items.length / sampled;
  const ages: number[] = [];
  for (let at = 0; at < sampled; at++) ages.push((items[Math.floor(at * step)] as T).usedAtMs);
  ages.sort((one, other) => one - other);
  const bound = ages[Math.min(sampled - 1, Math.ceil((count / items.length) * sampled))] as number;
  const old: T[] = [];
  for (const item of items) {
    if (item.usedAtMs > bound) continue;
    old.push(item);
    if (old.length === count) break;
  }
  return old;
}
