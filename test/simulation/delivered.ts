import type { SeenEntry } from '../checker/log.ts';
import type { SimClient } from './sim-client.ts';
import type { SimFindings } from './sim-findings.ts';

/** A stay of a user in a conversation; `to` is Infinity while it lasts. */
export interface OwnStay {
  readonly from: number;
  to: number;
}

interface Heard {
  /** How far the session was told of the log: by entries, by gaps, or by its sync. */
  upTo: number | undefined;
  /** Highest live entry. */
  live: number;
}

/**
 * Gapless or told (I5), and in order (I2), for one client and conversation: a live entry is the one after the last of
 * which the session heard, unless the client has what lies between or was told to fetch it; one that the client has not
 * comes after all with lower seqs. Unlike the checker's rules of the same purpose, these know what a client has from
 * a sync or a page: it may have acknowledged that, and then it isn't pushed.
 */
export function checkDelivered(
  client: SimClient,
  convId: string,
  stays: readonly OwnStay[],
  findings: SimFindings,
): void {
  const held = new Set<number>();
  let told = new Set<number>();
  let heard: Heard = { upTo: undefined, live: 0 };
  const name = client.actor.name;
  const stayAt = (seq: number): OwnStay | undefined => stays.find(({ from, to }) => seq >= from && seq <= to);
  const bridge = (seq: number, what: string): void => {
    const { upTo } = heard;
    // Who joins again starts anew: what is missing of an earlier stay is not to be read any more.
    const stay = stayAt(seq);
    if (upTo === undefined || stay === undefined) return;
    for (let between = upTo + 1; between < seq; between += 1)
      if (!held.has(between) && !told.has(between) && stayAt(between) === stay) {
        findings.add(
          'gapless',
          `${name} got ${what} of ${convId} after ${upTo}, and was not told of ${between}`,
        );
        return;
      }
  };
  for (const event of client.timeline) {
    if (event.t === 'connected') {
      heard = { upTo: undefined, live: 0 };
      told = new Set();
      continue;
    }
    if (!('convId' in event) || event.convId !== convId) continue;
    switch (event.t) {
      case 'synced':
        heard.upTo = Math.max(heard.upTo ?? 0, event.headSeq);
        break;
      case 'fetched':
        hold(held, event.entry);
        break;
      case 'gap':
        bridge(event.fromSeq, `a gap from ${event.fromSeq}`);
        for (let seq = event.fromSeq; seq <= event.toSeq; seq += 1) told.add(seq);
        heard.upTo = Math.max(heard.upTo ?? 0, event.toSeq);
        break;
      case 'entry': {
        const { seq } = event.entry;
        bridge(seq, String(seq));
        if (seq < heard.live && !held.has(seq) && !told.has(seq))
          findings.add('oneOrder', `${name} got ${seq} of ${convId} for the first time after ${heard.live}`);
        hold(held, event.entry);
        heard.live = Math.max(heard.live, seq);
        heard.upTo = Math.max(heard.upTo ?? 0, seq);
        break;
      }
      default:
    }
  }
}

function hold(held: Set<number>, { seq, content }: SeenEntry): void {
  if (content.t !== 'hidden') held.add(seq);
}
