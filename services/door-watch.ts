import type { Clock } from './core/clock.ts';
import type { Logger } from './core/log.ts';
import type { Service } from './core/service.ts';

const lookEveryMs = 500;

export interface DoorWatchInit {
  readonly doors: {
    /** Takes nobody in until `reopen`, and ends what is open. */
    shut(): void;
    /** On the same ports. Rejects where one can't be had. */
    reopen(): Promise<void>;
  };
  /** Whether a message node is linked. */
  readonly linked: () => boolean;
  /** Whether another edge has one, as it says. */
  readonly othersServe: () => boolean;
  /** Says so of this one, at each change. */
  readonly tell: (serves: boolean) => void;
  /** For so long it may pass by itself. */
  readonly patienceMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Shuts the doors of an edge without a message node where others have one. A gateway passes over who refuses a
 * connection; one that takes it and turns everybody away has the fewest sessions, and would be sent all that are new.
 */
export class DoorWatch implements Service {
  readonly name = 'door-watch';
  readonly #init: DoorWatchInit;
  #timer: NodeJS.Timeout | undefined;
  /** Since when users are better off elsewhere. */
  #sinceMs: number | undefined;
  #shut = false;
  #told = true;
  #reopening = false;

  constructor(init: DoorWatchInit) {
    this.#init = init;
  }

  get isShut(): boolean {
    return this.#shut;
  }

  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.look(), lookEveryMs);
  }

  async drain(): Promise<void> {
    clearInterval(this.#timer);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
  }

  async look(): Promise<void> {
    const { doors, linked, othersServe, tell, patienceMs, clock, log } = this.#init;
    const serves = linked();
    if (serves !== this.#told) tell(serves);
    this.#told = serves;
    if (!serves && othersServe()) {
      this.#sinceMs ??= clock.monotonicMs();
      if (this.#shut || clock.monotonicMs() - this.#sinceMs < patienceMs) return;
      this.#shut = true;
      log.error('no message node is linked here, and one is at other edges: the doors are shut', {
        'event.action': 'doors-shut',
      });
      doors.shut();
      return;
    }
    this.#sinceMs = undefined;
    if (!this.#shut || this.#reopening) return;
    this.#reopening = true;
    try {
      await doors.reopen();
      this.#shut = false;
      log.info('the doors are open again', { 'event.action': 'doors-reopened' });
    } catch (error) {
      log.error('the doors can not be opened again', { 'event.action': 'doors-shut' }, error);
    } finally {
      this.#reopening = false;
    }
  }
}
