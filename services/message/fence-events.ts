import type { Clock } from '../core/clock.ts';
import type { ConvId } from '../core/ids.ts';
import type { Logger } from '../core/log.ts';
import { LogRation } from '../core/log-ration.ts';
import type { MessageMeters } from './meters.ts';

/** What is told of writes that the store fenced: two owners at odds lose many a second. */
export class FenceEvents {
  readonly #log: Logger;
  readonly #meters: MessageMeters;
  readonly #ration: LogRation;

  constructor(parts: { readonly log: Logger; readonly meters: MessageMeters; readonly clock: Clock }) {
    this.#log = parts.log;
    this.#meters = parts.meters;
    this.#ration = new LogRation(parts.clock);
  }

  /** Another owner has written to this conversation first. */
  lost(convId: ConvId): void {
    this.#meters.fenceLost += 1;
    const leftOut = this.#ration.take();
    if (leftOut === undefined) return;
    this.#log.info('another node has written to a conversation first', {
      'event.action': 'fence-lost',
      'parley.conv_id': convId,
      ...(leftOut === 0 ? {} : { 'parley.left_out': leftOut }),
    });
  }
}
