/** A link that is up, to whom, and what waits on it. */
export interface LinkUp {
  readonly kind: 'owner' | 'group' | 'peer';
  readonly nodeId: string;
  readonly queuedBytes: number;
}

/** The links of a process that are up, for those who look. */
export class LinkList {
  readonly #links = new Map<object, Omit<LinkUp, 'queuedBytes'>>();

  add(link: object, kind: LinkUp['kind'], nodeId: string): void {
    this.#links.set(link, { kind, nodeId });
  }

  remove(link: object): void {
    this.#links.delete(link);
  }

  /** By kind and node. */
  list(): readonly LinkUp[] {
    return [...this.#links]
      .map(([link, up]) => ({ ...up, queuedBytes: 'bytes' in link ? Number(link.bytes) : 0 }))
      .sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
  }
}

function nameOf({ kind, nodeId }: LinkUp): string {
  return `${kind} ${nodeId}`;
}
