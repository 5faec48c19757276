/** A node that speaks another language than ours: its link is closed. */
export class MalformedFrame extends Error {
  constructor(what: string) {
    super(`${what} is missing or unknown`);
    this.name = 'MalformedFrame';
  }
}

export function malformed(what: string): never {
  throw new MalformedFrame(what);
}
