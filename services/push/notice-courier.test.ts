import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { until } from '../../test/e2e/support/until.ts';
import { systemClock } from '../core/clock.ts';
import type { ConvId, UserId } from '../core/ids.ts';
import { silentLogger } from '../core/log.ts';
import type { PushTarget } from '../ports/push-target.ts';
import { type Delivery, NoticeCourier, type PushJob } from './notice-courier.ts';
import { noticeOf } from './notice-text.ts';
import type { PushNotice, PushOutcome } from './provider.ts';
import { Letters } from './testing/letters.ts';

interface Asked {
  readonly notice: PushNotice;
  readonly answer: (outcome: PushOutcome) => void;
}

/** A provider that a test answers for. */
class Answers {
  readonly sent: PushNotice[] = [];
  readonly #waiting: Asked[] = [];
  readonly #asked: (() => void)[] = [];
  /** Answers by itself where it is set. */
  always: ((notice: PushNotice) => PushOutcome) | undefined;

  send(_target: PushTarget, notice: PushNotice): Promise<PushOutcome> {
    this.sent.push(notice);
    if (this.always !== undefined) return Promise.resolve(this.always(notice));
    return new Promise((answer) => {
      this.#waiting.push({ notice, answer });
      this.#asked.shift()?.();
    });
  }

  /** Resolves once there is an attempt that waits for its answer. */
  async asked(): Promise<void> {
    if (this.#waiting.length === 0) await new Promise<void>((resolve) => this.#asked.push(resolve));
  }

  /** Answers the oldest attempt, once there is one. */
  async answer(outcome: PushOutcome): Promise<PushNotice> {
    await this.asked();
    const { notice, answer } = this.#waiting.shift() as Asked;
    answer(outcome);
    return notice;
  }
}

const sent: PushOutcome = { t: 'sent' };
const retry: PushOutcome = { t: 'retry', reason: 'busy' };

function scene({ attempts = 3, mostWaiting = 100, maxRetryMs = 2 } = {}) {
  const provider = new Answers();
  const letters = new Letters();
  const courier = new NoticeCourier({
    providers: provider,
    config: { attempts, firstRetryMs: Math.min(1, maxRetryMs), maxRetryMs },
    deadLetters: letters,
    clock: systemClock,
    random: () => 0,
    log: silentLogger,
    mostWaiting,
    atOnce: 10,
    atHost: 10,
  });
  open.push(courier);
  return { provider, letters, courier };
}

const anHour: PushOutcome = { t: 'retry', reason: 'busy', afterMs: 3_600_000 };

/** Lets go on whatever can, without a timer. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** What one that failed has waiting must not keep the process. */
const open: NoticeCourier[] = [];
afterEach(() => {
  for (const courier of open.splice(0)) courier.stop();
});

function job(seq: number, deviceId = 'phone', convId = 'garden' as ConvId): PushJob {
  const userId = 'ann' as UserId;
  const facts = { userId, deviceId, convId, direct: false, seq, badge: 1, ttlSeconds: 60, text: undefined };
  return {
    userId,
    deviceId,
    convId,
    seq,
    target: { t: 'fcm', token: 'secret-token' },
    occurredAtMs: 1_000,
    notice: async () => noticeOf({ ...facts, text: { title: 'T', body: 'hush' } }),
  };
}

/** The same, of a message that is taken back. */
function takenBack(seq: number): PushJob {
  return { ...job(seq), notice: async () => undefined };
}

function appleTarget(environment: 'production' | 'sandbox'): PushTarget {
  return { t: 'apns', token: 'ab'.repeat(32), environment };
}

function browserTarget(host: string): PushTarget {
  return { t: 'webpush', endpoint: `https://${host}/push/1`, p256dh: '', auth: '' };
}

describe('a courier of notices', () => {
  it('says what became of one', async () => {
    for (const [outcome, delivery] of [
      [sent, { t: 'sent' }],
      [
        { t: 'gone', reason: 'unregistered', sinceMs: 7 },
        { t: 'gone', sinceMs: 7 },
      ],
    ] as const satisfies readonly (readonly [PushOutcome, Delivery])[]) {
      const { provider, courier } = scene();
      const done = courier.deliver(job(1));
      await provider.answer(outcome);
      assert.deepEqual(await done, delivery);
      assert.equal(courier.underWay, 0);
    }
  });

  it('tries again with the same id', async () => {
    const { provider, courier } = scene();
    const done = courier.deliver(job(1));
    await provider.answer(retry);
    await provider.answer(retry);
    await provider.answer(sent);
    assert.deepEqual(await done, { t: 'sent' });
    assert.equal(provider.sent.length, 3);
    assert.equal(new Set(provider.sent.map(({ id }) => id)).size, 1);
  });

  it('leaves off, without a letter, what is not to be sent any more', async () => {
    const { provider, courier, letters } = scene();
    const asked: boolean[] = [];
    const { notice, ...rest } = job(1);
    const withdrawn = async (again: boolean) => {
      asked.push(again);
      return again ? undefined : notice(again);
    };
    const done = courier.deliver({ ...rest, notice: withdrawn });
    await provider.answer(retry);
    assert.deepEqual(await done, { t: 'withdrawn', sinceSeq: 1 });
    assert.deepEqual([asked, provider.sent.length, letters.kept], [[false, true], 1, []]);
    assert.deepEqual([[...courier.withdrawn], courier.underWay], [[['fcm', 1]], 0]);
  });

  it('keeps what it gives up: whom and what it was about, and nothing that is secret', async () => {
    for (const outcome of [retry, { t: 'rejected', reason: 'payload' }] as const) {
      const { provider, courier, letters } = scene({ attempts: 2 });
      provider.always = () => outcome;
      assert.deepEqual(await courier.deliver(job(7)), { t: 'deadLetter' });
      assert.equal(provider.sent.length, outcome.t === 'retry' ? 2 : 1);
      const [letter] = letters.kept;
      assert.equal(letter?.endpoint, 'push.fcm');
      assert.equal(letter.reason, outcome.reason);
      assert.equal(letter.id, provider.sent[0]?.id);
      assert.deepEqual(JSON.parse(letter.body), {
        user_id: 'ann',
        device_id: 'phone',
        conv_id: 'garden',
        seq: 7,
      });
      assert.doesNotMatch(JSON.stringify(letter), /hush|secret-token/);
      assert.deepEqual([...courier.deadLettered], [['fcm', 1]]);
    }
  });

  it('rejects where a letter can’t be kept, so that it comes again', async () => {
    const { provider, courier, letters } = scene({ attempts: 1 });
    provider.always = () => retry;
    letters.broken = new Error('no space');
    await assert.rejects(courier.deliver(job(1)), /no space/);
  });

  it('lets a newer notice of the conversation take the place of one that waits for its next attempt', async () => {
    const { provider, courier } = scene({ maxRetryMs: 3_600_000 });
    const old = courier.deliver({ ...job(1) });
    await provider.answer({ t: 'retry', reason: 'busy', afterMs: 3_600_000 });
    const middle = courier.deliver(job(2));
    const newest = courier.deliver(job(3));
    assert.equal((await provider.answer(sent)).data['seq'], '3');
    assert.deepEqual(await Promise.all([old, middle, newest]), [
      { t: 'replaced' },
      { t: 'replaced' },
      { t: 'sent' },
    ]);
    assert.deepEqual([...courier.replaced], [['fcm', 2]]);
    courier.stop();
  });

  it('sends a newer notice behind an older one that is being sent, and others beside it', async () => {
    const { provider, courier } = scene();
    const old = courier.deliver(job(1));
    await provider.asked();
    const newer = courier.deliver(job(2));
    const other = courier.deliver(job(2, 'tablet'));
    const elsewhere = courier.deliver(job(2, 'phone', 'd_talk' as ConvId));
    const order = [];
    for (let no = 0; no < 4; no += 1) order.push(await provider.answer(sent));
    assert.deepEqual(
      order.map(({ data }) => data['seq']),
      ['1', '2', '2', '2'],
    );
    assert.equal(order[3]?.collapseKey, order[0]?.collapseKey);
    assert.deepEqual(await Promise.all([old, newer, other, elsewhere]), Array(4).fill({ t: 'sent' }));
  });

  it('lets none that is older take the place of a newer one', async () => {
    const { provider, courier } = scene();
    const first = courier.deliver(job(3));
    await provider.asked();
    const newer = courier.deliver(job(5));
    const late = courier.deliver(job(4));
    const order = [await provider.answer(sent), await provider.answer(sent)];
    assert.deepEqual(
      order.map(({ data }) => data['seq']),
      ['3', '5'],
    );
    assert.deepEqual(await Promise.all([first, newer, late]), [sent, sent, { t: 'replaced' }]);
    assert.equal(provider.sent.length, 2);
    assert.deepEqual([...courier.replaced], [['fcm', 1]]);
  });

  it('sends what it has already neither again nor sooner', async () => {
    const { provider, courier } = scene();
    const sending = courier.deliver(job(1));
    await provider.asked();
    const twice = courier.deliver(job(1));
    assert.equal(courier.underWay, 1);
    await provider.answer(sent);
    assert.deepEqual(await Promise.all([sending, twice]), [sent, sent]);
    const waiting = courier.deliver(job(2));
    await provider.answer(anHour);
    const sooner = courier.deliver(job(2));
    await turn();
    assert.equal(provider.sent.length, 2);
    const newer = courier.deliver(job(3));
    await provider.answer(sent);
    assert.deepEqual(await Promise.all([waiting, sooner, newer]), [
      { t: 'replaced' },
      { t: 'replaced' },
      sent,
    ]);
    assert.deepEqual([[...courier.replaced], courier.underWay], [[['fcm', 1]], 0]);
  });

  it('sends what it has once more where it is to go elsewhere by now', async () => {
    const { provider, courier } = scene();
    const old = courier.deliver(job(1));
    await provider.answer(anHour);
    const moved = courier.deliver({ ...job(1), target: { t: 'fcm', token: 'another' } });
    await provider.answer(sent);
    assert.deepEqual(await Promise.all([old, moved]), [{ t: 'replaced' }, sent]);
  });

  it('says from which message on a notice stood for others when it is withdrawn', async () => {
    const { provider, courier } = scene();
    const old = [courier.deliver(job(1))];
    await provider.answer(anHour);
    old.push(courier.deliver(job(2)));
    await provider.answer(anHour);
    const newest = courier.deliver(takenBack(4));
    // It comes late.
    old.push(courier.deliver(job(3)));
    assert.deepEqual(await newest, { t: 'withdrawn', sinceSeq: 1 });
    assert.deepEqual(await Promise.all(old), Array(3).fill({ t: 'replaced' }));
    // Whatever it replaces, it stands for what those stood for that were made anew.
    const anew = courier.deliver({ ...job(3), sinceSeq: 1 });
    await provider.answer(anHour);
    assert.deepEqual(await courier.deliver(takenBack(5)), { t: 'withdrawn', sinceSeq: 1 });
    assert.deepEqual(await anew, { t: 'replaced' });
  });

  it('has a notice stand for one that comes late, but for none that was sent', async () => {
    const { provider, courier } = scene();
    const old = courier.deliver(job(5));
    await provider.asked();
    const newest = courier.deliver(takenBack(7));
    await provider.answer(sent);
    assert.deepEqual(await Promise.all([old, newest]), [sent, { t: 'withdrawn', sinceSeq: 7 }]);
    const again = courier.deliver(takenBack(7));
    const late = courier.deliver(job(6));
    assert.deepEqual(await Promise.all([again, late]), [{ t: 'withdrawn', sinceSeq: 6 }, { t: 'replaced' }]);
  });

  it('waits as long as a service asks, but no host of Web Push longer than for others', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { provider, courier } = scene({ maxRetryMs: 60_000 });
    const done: Promise<Delivery>[] = [];
    const attemptsAfter = async (target: PushTarget, ...waits: readonly number[]) => {
      done.push(courier.deliver({ ...job(1, target.t), target }));
      await provider.answer(anHour);
      const before = provider.sent.length;
      const attempts = [];
      for (const wait of waits) {
        await turn();
        t.mock.timers.tick(wait);
        await turn();
        attempts.push(provider.sent.length - before);
      }
      await provider.answer(sent);
      return attempts;
    };
    const services: readonly PushTarget[] = [{ t: 'fcm', token: 'token' }, appleTarget('production')];
    for (const target of services)
      assert.deepEqual(await attemptsAfter(target, 3_599_999, 1), [0, 1], target.t);
    assert.deepEqual(await attemptsAfter(browserTarget('push.example'), 59_999, 1), [0, 1]);
    assert.deepEqual(await Promise.all(done), Array(3).fill(sent));
  });

  it('holds up nobody with what waits for its next attempt', async () => {
    const { provider, courier } = scene({ maxRetryMs: 3_600_000 });
    const stuck = Array.from({ length: 20 }, (_, no) => courier.deliver(job(1, `stuck ${no}`)));
    for (let no = 0; no < 20; no += 1)
      await provider.answer({ t: 'retry', reason: 'busy', afterMs: 3_600_000 });
    const other = courier.deliver(job(1, 'fine'));
    await provider.answer(sent);
    assert.deepEqual(await other, { t: 'sent' });
    courier.stop();
    await Promise.all(stuck.map((each) => assert.rejects(each, /stopping/)));
  });

  it('I6: holds up no provider with notices of another one that hangs', async () => {
    const { provider, courier } = scene({ mostWaiting: 5_000 });
    const stuck = Array.from({ length: 5_000 }, (_, no) => courier.deliver(job(1, `stuck ${no}`)));
    await provider.asked();
    assert.equal(courier.hasRoom('fcm'), false);
    await courier.room('apns');
    provider.always = () => sent;
    const others = [appleTarget('production'), appleTarget('sandbox'), browserTarget('push.example')];
    for (const [no, target] of others.entries())
      assert.deepEqual(await courier.deliver({ ...job(1, `other ${no}`), target }), sent);
    for (let no = 0; no < 10; no += 1) await provider.answer(sent);
    assert.deepEqual(await Promise.all(stuck), Array(5_000).fill(sent));
  });

  it('I6: holds up no host with notices for others that hang', async () => {
    const { provider, courier } = scene({ mostWaiting: 1_000 });
    const hosts = ['one.example', 'two.example', 'three.example'];
    const stuck = hosts.flatMap((host) =>
      Array.from({ length: 100 }, (_, no) =>
        courier.deliver({ ...job(1, `${host} ${no}`), target: browserTarget(host) }),
      ),
    );
    const sandbox = Array.from({ length: 100 }, (_, no) =>
      courier.deliver({ ...job(1, `sandbox ${no}`), target: appleTarget('sandbox') }),
    );
    await until(
      () => provider.sent.length === 40,
      () => `${provider.sent.length} attempts`,
    );
    provider.always = () => sent;
    for (const target of [browserTarget('fine.example'), appleTarget('production')])
      assert.deepEqual(await courier.deliver({ ...job(1, target.t), target }), sent);
    for (let no = 0; no < 40; no += 1) await provider.answer(sent);
    assert.deepEqual(await Promise.all([...stuck, ...sandbox]), Array(400).fill(sent));
  });

  it('has room for so many, and then tells when there is some again', async () => {
    const { provider, courier } = scene({ mostWaiting: 2 });
    const both = [courier.deliver(job(1, 'a')), courier.deliver(job(1, 'b'))];
    let free = false;
    const room = courier.room('fcm').then(() => {
      free = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(free, false);
    await provider.answer(sent);
    await room;
    await provider.answer(sent);
    await Promise.all(both);
  });

  it('rejects what is under way when it stops, and takes nothing more', async () => {
    const { provider, courier } = scene();
    const one = courier.deliver(job(1));
    await provider.asked();
    courier.stop();
    await provider.answer(retry);
    await assert.rejects(one, /stopping/);
    await assert.rejects(courier.deliver(job(2)), /stopping/);
    await assert.rejects(courier.room('fcm'), /stopping/);
  });
});
