import assert from 'node:assert/strict';
import type { ConvId, Seq, UserId } from '../../core/ids.ts';
import { rendezvous } from '../../core/rendezvous.ts';
import { TokenBucket } from '../../core/token-bucket.ts';
import type { AudienceFrame, EdgeFrame, OwnerFrame } from '../../peer/edge-frames.ts';
import { type News, Owners } from '../owners.ts';
import { Rooms } from '../rooms.ts';
import { Session } from '../session.ts';
import { logEntry, StandingClock } from './stage.ts';

/** A connection node's ties to message nodes that the test plays. */
export class Ties {
  readonly clock = new StandingClock();
  readonly sessions: Session[] = [];
  readonly watched = new Set<UserId>();
  abandoned = 0;
  readonly news: News[] = [];
  readonly epochs: string[] = [];
  readonly rooms: Rooms;
  readonly owners: Owners;

  constructor({ aloneMs = 0 } = {}) {
    this.rooms = new Rooms({
      clock: this.clock,
      sessionsOf: (userId) => this.sessions.filter((session) => session.userId === userId),
      pull: (convId, fromSeq, toSeq) => this.owners.pull(convId, fromSeq, toSeq),
      dirty: () => {},
      recheck: () => {},
    });
    this.owners = new Owners({
      clock: this.clock,
      timeoutMs: 1_000,
      aloneMs,
      rooms: () => this.rooms,
      signedIn: () => this.sessions,
      watched: () => this.watched,
      sessionAcks: () => [],
      news: (frame) => void this.news.push(frame),
      epoch: (epoch) => void this.epochs.push(epoch),
      abandoned: () => {
        this.abandoned += 1;
      },
      failed: (error) => assert.fail(String(error)),
    });
  }

  session(userId = 'ada'): Session {
    const no = this.sessions.length + 1;
    const session = new Session({
      no,
      outlet: { deliver() {}, close() {} },
      doorSession: no,
      info: { remoteAddress: '', transport: 'test' },
      nowMs: 0,
      rate: new TokenBucket(1, 1, 0),
    });
    session.userId = userId as UserId;
    session.deviceId = `device ${no}`;
    session.state = 'open';
    this.sessions.push(session);
    return session;
  }

  link(nodeId: string, epoch = 'epoch') {
    const heard: EdgeFrame[] = [];
    let open = true;
    const events = this.owners.connect(
      nodeId,
      {
        send: (frame) => {
          heard.push(frame);
          return 'queued';
        },
        close: () => {
          open = false;
          events.down('closed');
        },
      },
      epoch,
    );
    return {
      heard,
      isOpen: () => open,
      say: (...frames: OwnerFrame[]) => events.frames(frames),
      cut: () => events.down('cut'),
      of: <T extends EdgeFrame['t']>(t: T) =>
        heard.filter((frame): frame is Extract<EdgeFrame, { t: T }> => frame.t === t),
    };
  }

  audience(convId: ConvId, nextSeq: Seq, fields: Partial<AudienceFrame> = {}): AudienceFrame {
    const users = [{ userId: 'ada' as UserId, firstSeq: 1, lastSeq: 0 }];
    const knownSeq = nextSeq - 1;
    return { t: 'audience', audience: 1, convId, nextSeq, whole: true, users, gone: [], knownSeq, ...fields };
  }

  entry(convId: ConvId, seq: Seq, incarnation = 1): OwnerFrame {
    return { t: 'entry', audience: 1, incarnation, entry: logEntry(seq, convId) };
  }
}

/** A conversation that the node owns among these. */
export function owned(nodeId: string, ...others: string[]): ConvId {
  const nodes = [nodeId, ...others].map((name) => ({ nodeId: name }));
  for (let no = 0; ; no += 1) if (rendezvous(`g${no}`, nodes)?.nodeId === nodeId) return `g${no}` as ConvId;
}
