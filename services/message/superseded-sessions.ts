import type { EdgeSession } from './edge-session.ts';

/** Two sessions of one device. */
export interface DeviceChange {
  readonly older: EdgeSession;
  readonly newer: EdgeSession;
}

/**
 * Sessions to be told that a newer one of their device is there. Who is told does not come again, so it is told a second
 * later, if both are there still: links come at their own pace, and a sign-in that its client has given up since may be
 * heard of behind the one that took its place. That it was given up is then right behind it.
 */
export class SupersededSessions {
  #fresh = new Map<EdgeSession, EdgeSession>();
  #settled = new Map<EdgeSession, EdgeSession>();

  add({ older, newer }: DeviceChange): void {
    this.#fresh.set(older, newer);
  }

  /** To be called every second. */
  tick(): void {
    for (const [older, newer] of this.#settled)
      if (older.isUp && newer.isUp) older.edge.send({ t: 'superseded', session: older.no });
    this.#settled = this.#fresh;
    this.#fresh = new Map();
  }
}
