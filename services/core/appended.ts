/** Longer lists grow as arrays do. */
const exactUpTo = 8;

/**
 * A list with one more item, to be used in its place. A short one is made anew in exactly its size: an array that an item
 * is pushed to keeps room for sixteen more, which is most of what a hundred thousand lists of one or two would need.
 */
export function appended<T>(list: T[], item: T): T[] {
  if (list.length === 0) return [item];
  if (list.length < exactUpTo) return list.concat([item]);
  list.push(item);
  return list;
}
