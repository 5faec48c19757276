/**
 * Asks message nodes, one after another, until one answers. It begins anywhere in the list, so that all are asked alike.
 * Rejects with what went wrong last.
 */
export async function anyOf<T>(
  nodeIds: readonly string[],
  random: () => number,
  ask: (nodeId: string) => Promise<T>,
): Promise<T> {
  let failure: unknown = new Error('no message node is linked');
  for (let at = Math.floor(random() * nodeIds.length), left = nodeIds.length; left > 0; at += 1, left -= 1) {
    try {
      return await ask(nodeIds[at % nodeIds.length] as string);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
