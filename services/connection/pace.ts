import type { Clock } from '../core/clock.ts';
import { Fault } from '../core/fault.ts';
import { cost } from './command-cost.ts';
import type { Rates } from './rates.ts';
import type { Session } from './session.ts';

export interface PaceParts {
  readonly clock: Clock;
  /** By user, over all sessions. */
  readonly rates: Rates;
  readonly config: { readonly commandRate: number; readonly commandBurst: number };
}

/** What one session may ask for while its user is overdrawn, as a part of the burst. */
const bearable = 1 / 8;

/** How much sessions may ask for; what commands cost beyond their frames is taken where they are carried out. */
export class Pace {
  readonly #parts: PaceParts;

  constructor(parts: PaceParts) {
    this.#parts = parts;
  }

  /** A session signs in: from here on it spends what its user has. Throws where that was cut off for going too fast. */
  begin(session: Session): void {
    const { clock, rates } = this.#parts;
    const nowMs = clock.monotonicMs();
    session.rate = rates.of(session.userId);
    if (session.rate.overdrawn(nowMs)) throw this.#tooFast();
    session.rate.spend(nowMs, cost.hello);
  }

  /** Takes the price of a frame, and gives it. */
  frame(session: Session, bytes: number): number {
    const price = cost.frame + (bytes / 1_024) * cost.kilobyte;
    session.rate.spend(session.heardAtMs, price);
    return price;
  }

  /**
   * A user that is far beyond its pace is refused; throws for the session that goes on regardless, which is cut off, and
   * others stay.
   */
  bear(session: Session, price: number): void {
    const { commandBurst } = this.#parts.config;
    if (!session.rate.overdrawn(session.heardAtMs)) session.overspent = 0;
    else {
      session.overspent += price;
      if (session.overspent <= commandBurst * bearable) return;
      session.rate.spend(session.heardAtMs, commandBurst);
      throw this.#tooFast();
    }
  }

  #tooFast(): Fault {
    const { commandBurst, commandRate } = this.#parts.config;
    const retryAfterMs = Math.ceil((commandBurst / commandRate) * 1_000);
    return new Fault('rateLimited', { message: 'much more was asked than the limit allows', retryAfterMs });
  }
}
