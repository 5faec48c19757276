/** Where clients come in. */
export interface Entrance {
  /** The page, and what REST and Connect are called by. */
  readonly pageUrl: string;
  readonly ports: { readonly http: number; readonly ws: number; readonly grpc: number };
}

/** What the tests of doors are made against: one server, or the edges of a cluster. */
export interface Site {
  /** For the names of tests. */
  readonly what: string;
  /** The edges in turn, for any number; of one server it is always the same. */
  edge(no: number): Entrance;
}

/** A site in which things break, and are mended. */
export interface FragileSite extends Site {
  /** By what is in front of all edges; its ports stay the same. Sockets by `ports.ws` need not be there. */
  readonly front: Entrance;
  /** The names of what can be killed. */
  readonly victims: readonly string[];
  kill(victim: string): Promise<void>;
  /** Starts again what was killed; resolves once it is ready. */
  start(victim: string): Promise<void>;
  /** Stops all of it, and resolves with what `parley check` says of the store. Rejects where something could not stop. */
  check(): Promise<string>;
}
