import { type BackoffConfig, backoffMs } from '../core/backoff.ts';

/** Where a node that calls another one stands. Pure: what is to be done comes back as effects. */
export type DialState =
  /** A stream is asked for; the other node has not said hello. */
  | { readonly t: 'dialing'; readonly attempt: number }
  | { readonly t: 'open' }
  /** The last try failed, the next one comes after a while. */
  | { readonly t: 'waiting'; readonly attempt: number }
  | { readonly t: 'stopped' };

export type DialEvent =
  /** The other node said hello. */
  | { readonly t: 'opened' }
  /** The stream ended, or could not be had. */
  | { readonly t: 'lost' }
  | { readonly t: 'timer' }
  | { readonly t: 'stop' };

export type DialEffect =
  | { readonly t: 'dial' }
  | { readonly t: 'wait'; readonly ms: number }
  | { readonly t: 'hangUp' };

export interface DialConfig {
  readonly backoff: BackoffConfig;
  readonly random: () => number;
}

export const dialing: DialState = { t: 'dialing', attempt: 0 };

export function step(
  state: DialState,
  event: DialEvent,
  config: DialConfig,
): readonly [DialState, readonly DialEffect[]] {
  if (state.t === 'stopped') return [state, []];
  switch (event.t) {
    case 'stop':
      return [{ t: 'stopped' }, state.t === 'waiting' ? [] : [{ t: 'hangUp' }]];
    case 'opened':
      return state.t === 'dialing' ? [{ t: 'open' }, []] : [state, []];
    case 'lost': {
      if (state.t === 'waiting') return [state, []];
      // One that was open begins anew with short waits.
      const attempt = state.t === 'open' ? 0 : state.attempt;
      const ms = backoffMs(attempt, config.backoff, config.random);
      return [{ t: 'waiting', attempt: attempt + 1 }, [{ t: 'wait', ms }]];
    }
    case 'timer':
      return state.t === 'waiting'
        ? [{ t: 'dialing', attempt: state.attempt }, [{ t: 'dial' }]]
        : [state, []];
  }
}
