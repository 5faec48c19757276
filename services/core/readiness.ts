/**
 * Whether this process should be sent users and work: not before all its parts are ready, not while one of them is of no
 * use, and not once it drains. Probes ask for it on the metrics port, gateways on the port for browsers.
 */
export class Readiness {
  #state: 'starting' | 'ready' | 'draining' = 'starting';
  readonly #parts: { readonly missing: string; readonly there: () => boolean }[] = [];

  /** `ready`, or in one word why it is not. */
  get state(): string {
    if (this.#state !== 'ready') return this.#state;
    return this.#parts.find(({ there }) => !there())?.missing ?? 'ready';
  }

  /** Something outside without which it is of no use, by what to say where it is missing: `noMessageNode`. */
  needs(missing: string, there: () => boolean): void {
    this.#parts.push({ missing, there });
  }

  ready(): void {
    // One that was told to stop before it was ready never is.
    if (this.#state === 'starting') this.#state = 'ready';
  }

  draining(): void {
    this.#state = 'draining';
  }

  /** The answer to a probe on this path, with its status; undefined where the path is none of theirs. */
  probe(path: string): { readonly status: 200 | 503; readonly text: string } | undefined {
    if (path === '/livez') return { status: 200, text: 'alive' };
    if (path !== '/readyz') return undefined;
    const { state } = this;
    return { status: state === 'ready' ? 200 : 503, text: state };
  }
}
