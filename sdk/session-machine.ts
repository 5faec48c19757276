import { backoffMs } from './backoff.ts';
import { mayReconnect } from './close-code.ts';

/** The life of a connection, as a pure function: what happened goes in, what to do comes out. */

export type SessionState =
  /** Not started. */
  | { readonly t: 'idle' }
  /** A stream is being opened or waits for the answer to hello. */
  | { readonly t: 'connecting'; readonly attempt: number; readonly deadlineMs: number }
  /** Welcome has come. */
  | {
      readonly t: 'online';
      readonly sessionId: string;
      /** The attempt that led here: it counts on when the session does not last. */
      readonly attempt: number;
      readonly sinceMs: number;
      readonly pingIntervalMs: number;
      readonly heardAtMs: number;
      readonly spokeAtMs: number;
      readonly pingedAtMs: number;
      /** When to leave for another session, and which attempt that then is. */
      readonly leaveAtMs: number;
      readonly leaveAttempt: number;
    }
  /** Will try again. */
  | {
      readonly t: 'waiting';
      readonly attempt: number;
      readonly retryAtMs: number;
      readonly reason: string;
    }
  /** Over; only `start` begins anew. */
  | { readonly t: 'ended'; readonly reason: string };

export type SessionEvent =
  | { readonly t: 'start' }
  | { readonly t: 'stop'; readonly reason: string }
  /** The user, or the browser's `online`, wants it now. */
  | { readonly t: 'reconnect' }
  | { readonly t: 'welcome'; readonly sessionId: string; readonly pingIntervalMs: number }
  /** Hello was answered by an error. */
  | { readonly t: 'refused'; readonly reason: string; readonly again: boolean; readonly retryAfterMs: number }
  | { readonly t: 'kicked'; readonly reason: string; readonly again: boolean }
  | { readonly t: 'draining'; readonly delayMs: number }
  /** A refusal said that only another session can carry it out. */
  | { readonly t: 'moveOn' }
  | { readonly t: 'closed'; readonly code: number; readonly reason: string }
  | { readonly t: 'heard' }
  | { readonly t: 'spoke' }
  | { readonly t: 'tick' };

export type SessionEffect =
  /** Open a stream; whatever an earlier one still says doesn't count. */
  { readonly t: 'open' } | { readonly t: 'hangUp'; readonly reason: string } | { readonly t: 'ping' };

export interface SessionContext {
  /** Monotonic. */
  readonly nowMs: number;
  /** In [0, 1). */
  readonly random: number;
  /** Whether a new token can be had, so that an expired one is no end. */
  readonly renewable: boolean;
}

export const sessionLimits = {
  /** From opening a stream to Welcome. */
  connectMs: 15_000,
  backoff: { baseMs: 800, maxMs: 20_000 },
  /** A session that lasted this long makes the next attempt the first again. */
  stableMs: 10_000,
  /** Ping intervals without a sound before the server is given up. */
  silentPings: 3,
} as const;

type Step = readonly [SessionState, readonly SessionEffect[]];

export function step(state: SessionState, event: SessionEvent, context: SessionContext): Step {
  switch (event.t) {
    case 'start':
      return state.t === 'idle' || state.t === 'ended' ? connect(1, context) : [state, []];
    case 'stop':
      return [{ t: 'ended', reason: event.reason }, hasStream(state) ? [hangUp(event.reason)] : []];
    case 'reconnect':
      return state.t === 'waiting' ? connect(1, context) : [state, []];
    case 'tick':
      return tick(state, context);
    case 'welcome':
      return state.t === 'connecting' ? [online(state.attempt, event, context), []] : [state, []];
    case 'heard':
      return state.t === 'online' ? [{ ...state, heardAtMs: context.nowMs }, []] : [state, []];
    case 'spoke':
      return state.t === 'online' ? [{ ...state, spokeAtMs: context.nowMs }, []] : [state, []];
    case 'draining':
      return [leaveAt(state, context.nowMs + event.delayMs, 1), []];
    case 'moveOn':
      return [moveOn(state, context), []];
    case 'refused':
    case 'kicked':
      return lost(
        state,
        event.reason,
        event.again,
        'retryAfterMs' in event ? event.retryAfterMs : 0,
        context,
        [hangUp(event.reason)],
      );
    case 'closed':
      return lost(state, event.reason, mayReconnect(event.code), 0, context, []);
  }
}

/** When the machine wants its next `tick`, monotonic; infinite when it waits for nothing. */
export function dueMs(state: SessionState): number {
  switch (state.t) {
    case 'connecting':
      return state.deadlineMs;
    case 'waiting':
      return state.retryAtMs;
    case 'online':
      return Math.min(state.leaveAtMs, silentAtMs(state), pingAtMs(state));
    case 'idle':
    case 'ended':
      return Number.POSITIVE_INFINITY;
  }
}

type Online = Extract<SessionState, { t: 'online' }>;

// Both ways: the server closes sessions that say nothing, and a dead line is only noticed by an answer that fails to come.
const pingAtMs = (state: Online): number =>
  Math.max(state.pingedAtMs, Math.min(state.spokeAtMs, state.heardAtMs)) + state.pingIntervalMs;

const silentAtMs = (state: Online): number =>
  state.heardAtMs + state.pingIntervalMs * sessionLimits.silentPings;

function tick(state: SessionState, context: SessionContext): Step {
  if (dueMs(state) > context.nowMs) return [state, []];
  switch (state.t) {
    case 'connecting':
      return lost(state, 'connectTimeout', true, 0, context, [hangUp('connectTimeout')]);
    case 'waiting':
      return connect(state.attempt, context);
    case 'online':
      if (state.leaveAtMs <= context.nowMs) {
        const [next, effects] = connect(state.leaveAttempt, context);
        return [next, [hangUp('nodeDraining'), ...effects]];
      }
      if (silentAtMs(state) <= context.nowMs)
        return lost(state, 'silent', true, 0, context, [hangUp('silent')]);
      return [{ ...state, pingedAtMs: context.nowMs }, [{ t: 'ping' }]];
    case 'idle':
    case 'ended':
      return [state, []];
  }
}

function connect(attempt: number, context: SessionContext): Step {
  const deadlineMs = context.nowMs + sessionLimits.connectMs;
  return [{ t: 'connecting', attempt, deadlineMs }, [{ t: 'open' }]];
}

function online(
  attempt: number,
  welcome: { readonly sessionId: string; readonly pingIntervalMs: number },
  context: SessionContext,
): SessionState {
  const nowMs = context.nowMs;
  return {
    t: 'online',
    sessionId: welcome.sessionId,
    attempt,
    sinceMs: nowMs,
    pingIntervalMs: Math.max(1_000, welcome.pingIntervalMs),
    heardAtMs: nowMs,
    spokeAtMs: nowMs,
    pingedAtMs: nowMs,
    leaveAtMs: Number.POSITIVE_INFINITY,
    leaveAttempt: 1,
  };
}

function leaveAt(state: SessionState, atMs: number, attempt: number): SessionState {
  if (state.t !== 'online' || atMs >= state.leaveAtMs) return state;
  return { ...state, leaveAtMs: atMs, leaveAttempt: attempt };
}

/**
 * Spread: everybody whose owner was lost hears of it at the same moment. Where the session before was left for the same
 * reason, and this one serves no better, it is kept for longer and longer: each costs a sync.
 */
function moveOn(state: SessionState, context: SessionContext): SessionState {
  if (state.t !== 'online' || state.leaveAtMs < Number.POSITIVE_INFINITY) return state;
  const { nowMs, random } = context;
  if (isStable(state, context) || state.attempt === 1) return leaveAt(state, nowMs + 1_000 * random, 2);
  const delayMs = backoffMs(state.attempt, random, sessionLimits.backoff);
  return leaveAt(state, nowMs + delayMs, state.attempt + 1);
}

function lost(
  state: SessionState,
  reason: string,
  again: boolean,
  atLeastMs: number,
  context: SessionContext,
  effects: readonly SessionEffect[],
): Step {
  if (!hasStream(state)) return [state, []];
  if (!again && !(reason === 'tokenExpired' && context.renewable)) return [{ t: 'ended', reason }, effects];
  const attempt = isStable(state, context) ? 1 : state.attempt;
  const delayMs = Math.max(atLeastMs, backoffMs(attempt, context.random, sessionLimits.backoff));
  return [{ t: 'waiting', attempt: attempt + 1, retryAtMs: context.nowMs + delayMs, reason }, effects];
}

/** A session that lasted: what went before it does not count any more. */
function isStable(state: SessionState, { nowMs }: SessionContext): boolean {
  return state.t === 'online' && nowMs - state.sinceMs >= sessionLimits.stableMs;
}

function hasStream(
  state: SessionState,
): state is Extract<SessionState, { attempt: number }> & { t: 'connecting' | 'online' } {
  return state.t === 'connecting' || state.t === 'online';
}

const hangUp = (reason: string): SessionEffect => ({ t: 'hangUp', reason });
