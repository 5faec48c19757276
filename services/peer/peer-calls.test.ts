import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fault } from '../core/fault.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import { connectDirect } from './direct-link.ts';
import type { Link } from './link.ts';
import { PeerCalls } from './peer-calls.ts';
import type { PeerAnswerFrame, PeerQuestionFrame } from './peer-frames.ts';

const users = ['ann', 'bob'] as UserId[];
const spans = [{ convNo: 1n, convId: 'g' as ConvId, firstSeq: 1, lastSeq: 1 }];
const lost = (error: unknown) => error instanceof Fault && error.reason === 'ownerLost';

/** Asks a node that answers as the test says. */
function linked(answer: (frame: PeerQuestionFrame, link: Link<PeerAnswerFrame>) => void, timeoutMs = 60_000) {
  const calls = new PeerCalls({ timeoutMs });
  const link = connectDirect<PeerQuestionFrame, PeerAnswerFrame>({
    a: (end) => calls.attach(end, 'm1'),
    b: (end) => ({
      frames: (frames) => {
        for (const frame of frames) answer(frame, end);
      },
      down: () => {},
    }),
    limitBytes: 1_000_000,
  });
  return { calls, link };
}

describe('what is asked of message nodes', () => {
  it('is answered, each question by its own answer', async () => {
    const waiting: PeerQuestionFrame[] = [];
    const { calls } = linked((frame, link) => {
      waiting.push(frame);
      if (waiting.length < 2) return;
      for (const { t, call } of waiting.toReversed())
        link.send(
          t === 'forward' ? { t: 'forwarded', call, places: [0] } : { t: 'offline', call, users },
          64,
        );
    });
    const answers = await Promise.all([calls.forward('m1', spans), calls.offline('m1', users)]);
    assert.deepEqual(answers, [[0], users]);
    assert.deepEqual(calls.nodeIds, ['m1']);
  });

  it('is refused where the node is not linked, or its link goes down', async () => {
    const { calls, link } = linked(() => {});
    await assert.rejects(calls.offline('m2', users), lost);
    const unanswered = calls.offline('m1', users);
    link.close('a test cuts it');
    await assert.rejects(unanswered, lost);
    await assert.rejects(calls.offline('m1', users), lost);
    assert.deepEqual(calls.nodeIds, []);
  });

  it('I6: is refused when it is not answered in time, or too much is not', async () => {
    const silent = linked(() => {}, 1);
    await assert.rejects(silent.calls.offline('m1', users), lost);
    const { calls, link } = linked(() => {});
    const unanswered = Array.from({ length: 1_000 }, () => calls.offline('m1', users));
    await assert.rejects(calls.offline('m1', users), lost);
    link.close('a test cuts it');
    assert.equal(
      (await Promise.allSettled(unanswered)).filter(({ status }) => status === 'rejected').length,
      1_000,
    );
  });

  it('hands commands on: refusals come back as they are, and too many are refused here', async () => {
    const op = { t: 'get', convId: 'g' as ConvId, seq: 1 } as const;
    const refusal = { reason: 'notMember', message: 'no', field: 'conv_id', retryAfterMs: 7 } as const;
    const { calls } = linked(({ call }, link) => void link.send({ t: 'refused', call, refusal }, 64));
    await assert.rejects(calls.command('m1', 'ann' as UserId, op, { epoch: '' }), (error) => {
      assert.ok(error instanceof Fault);
      const { reason, message, field, retryAfterMs } = error;
      assert.deepEqual({ reason, message, field, retryAfterMs }, refusal);
      return true;
    });
    const silent = linked(() => {});
    const ask = () => silent.calls.command('m1', 'ann' as UserId, op, { epoch: '' });
    const unanswered = Array.from({ length: 800 }, ask);
    await assert.rejects(ask(), (error) => error instanceof Fault && error.reason === 'overloaded');
    // Other questions have room.
    const other = silent.calls.offline('m1', users);
    silent.link.close('a test cuts it');
    await assert.rejects(other, lost);
    for (const one of unanswered) await assert.rejects(one, lost);
  });
});
