import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../../test/e2e/support/until.ts';
import { testTracer } from '../core/testing/test-tracer.ts';
import { traceBytes } from '../core/trace-context.ts';
import { noSettings } from '../ports/devices.ts';
import { PushScene } from './testing/push-scene.ts';

/** Its interval is over, and sessions have had their time. */
const earlier = (): number => Date.now() - 30_000;

describe('pushes to devices', () => {
  it('are one for an interval, of its newest message, to every device without a session', async () => {
    using scene = new PushScene(['ann', 'bob', 'cyd']);
    for (const user of ['ann', 'bob', 'cyd']) scene.device(user);
    scene.device('bob', 'tablet');
    const at = earlier();
    await Promise.all([scene.handle(scene.said(1, 3, 'ann', at)), scene.handle(scene.said(4, 5, 'ann', at))]);
    assert.deepEqual(scene.to, ['bob phone 5', 'bob tablet 5', 'cyd phone 5']);
    assert.equal(scene.marks.length, 3);
    assert.doesNotMatch(JSON.stringify(scene.pushed), /hush|ann/);
  });

  it('follow the traces of what they tell of, each attempt by itself', async () => {
    const { tracer, spans } = testTracer();
    using scene = new PushScene(['ann', 'bob'], { tracer });
    scene.device('bob');
    scene.outcomes.set('bob phone', { t: 'retry', reason: 'busy' });
    const said = scene.said(1, 2, 'ann', earlier());
    const published = said.entries.map((entry) => {
      const { context } = tracer.start('event publish');
      entry.trace = traceBytes(context);
      return context;
    });
    await scene.handle(said);
    const [first, second] = published;
    const delivered = spans().find(({ name }) => name === 'push deliver');
    assert.equal(delivered?.parentSpanContext?.spanId, first?.spanId);
    assert.deepEqual(
      delivered?.links.map(({ context }) => context.spanId),
      [second?.spanId],
    );
    assert.equal(delivered?.attributes['error.type'], 'deadLetter');
    const attempts = spans().filter(({ name }) => name === 'push send');
    assert.deepEqual(
      attempts.map(({ parentSpanContext, status }) => [parentSpanContext?.spanId, status.code]),
      [1, 2].map(() => [delivered?.spanContext().spanId, 2]),
    );
  });

  it('show what was said where that is wanted', async () => {
    using scene = new PushScene(['ann', 'bob'], { content: 'shown' });
    scene.device('bob');
    await scene.handle(scene.said(1, 2, 'ann', earlier()));
    assert.equal(scene.pushed[0]?.notice.body, 'ann: hush 2');
  });

  it('go to nobody who has no device, has left, has read it, or spoke last', async () => {
    using scene = new PushScene(['ann', 'bob', 'cyd', 'dan', 'eve']);
    for (const user of ['ann', 'cyd', 'dan', 'eve']) scene.device(user);
    scene.cursor('cyd', 2);
    scene.cursor('eve', 1);
    scene.leaves('dan');
    await scene.handle(scene.said(1, 2, 'ann', earlier()));
    assert.deepEqual(scene.to, ['eve phone 2']);
  });

  it('leave devices alone whose provider is not configured, and ask for nobody’s sessions on their account', async () => {
    using scene = new PushScene(['ann', 'bob']);
    scene.appleDevice('bob');
    scene.session('bob', 'tablet', 'owing');
    await scene.handle(scene.said(1, 1, 'ann', earlier()));
    assert.deepEqual([scene.to, scene.asked], [[], 0]);
    scene.device('bob');
    await scene.handle(scene.said(2, 2, 'ann', earlier()));
    assert.deepEqual(scene.to, ['bob phone 2']);
  });

  it('go to nobody who is silent', async () => {
    using scene = new PushScene(['ann', 'bob', 'cyd', 'dan', 'eve']);
    for (const user of ['bob', 'cyd', 'dan', 'eve']) scene.device(user);
    scene.settings.set('bob', { ...noSettings, silencedUntilMs: Date.now() + 60_000 });
    const quietHours = { fromMinute: 0, toMinute: 0, timeZone: 'UTC' };
    scene.settings.set('cyd', { ...noSettings, quietHours });
    scene.silences.set('dan', Number.MAX_SAFE_INTEGER);
    scene.silences.set('eve', Date.now() - 1);
    await scene.handle(scene.said(1, 1, 'ann', earlier()));
    assert.deepEqual(scene.to, ['eve phone 1']);
  });

  it('tell of no message that was taken back', async () => {
    using scene = new PushScene(['ann', 'bob']);
    scene.device('bob');
    const event = scene.said(1, 3, 'ann', earlier());
    scene.recalls(3);
    await scene.handle(event);
    assert.deepEqual(scene.to, ['bob phone 2']);
    const all = scene.said(4, 5, 'ann', earlier());
    scene.recalls(4);
    scene.recalls(5);
    await scene.handle(all);
    assert.deepEqual(scene.to, ['bob phone 2']);
  });

  it('are not tried again for a message that was taken back; what is left of the interval is told of', async () => {
    using scene = new PushScene(['ann', 'bob', 'cyd'], { content: 'shown' });
    for (const user of ['bob', 'cyd']) scene.device(user);
    scene.outcomes.set('bob phone', { t: 'retry', reason: 'busy' });
    scene.onSend = (to) => {
      if (to !== 'bob phone') return;
      scene.recalls(2);
      scene.outcomes.clear();
    };
    await scene.handle(scene.said(1, 2, 'ann', earlier()));
    assert.deepEqual(scene.to, ['bob phone 1', 'bob phone 2', 'cyd phone 2']);
    assert.equal(scene.pushed.at(-1)?.notice.body, 'ann: hush 1');
    scene.onSend = () => scene.recalls(3);
    scene.outcomes.set('bob phone', { t: 'retry', reason: 'busy' });
    await scene.handle(scene.said(3, 3, 'ann', earlier()));
    assert.equal(scene.to.filter((one) => one === 'bob phone 3').length, 1);
    assert.deepEqual(scene.letters.kept, []);
  });

  it('tell of what was replaced by a message that was taken back', async () => {
    using scene = new PushScene(['ann', 'bob'], { content: 'shown' });
    scene.device('bob');
    scene.outcomes.set('bob phone', { t: 'retry', reason: 'busy', afterMs: 3_600_000 });
    const first = scene.handle(scene.said(1, 1, 'ann', earlier()));
    await until(
      () => scene.pushed.length === 1,
      () => 'it is not tried',
    );
    scene.outcomes.set('bob phone', { t: 'retry', reason: 'busy' });
    scene.onSend = () => {
      scene.recalls(2);
      scene.outcomes.clear();
    };
    await Promise.all([first, scene.handle(scene.said(2, 2, 'ann', earlier() + 1_000))]);
    assert.deepEqual(
      scene.pushed.map(({ notice }) => notice.body),
      ['ann: hush 1', 'ann: hush 2', 'ann: hush 1'],
    );
    assert.deepEqual(
      scene.marks.map(({ seq }) => seq),
      [1],
    );
  });

  it('are not tried again for who has read it meanwhile, is silent by now, or was told', async () => {
    const changes: readonly ((scene: PushScene) => void)[] = [
      (scene) => scene.cursor('bob', 2),
      (scene) => scene.settings.set('bob', { ...noSettings, silencedUntilMs: Date.now() + 60_000 }),
      (scene) => scene.silences.set('bob', Number.MAX_SAFE_INTEGER),
      (scene) => {
        scene.forgets('bob');
        scene.device('bob', 'phone', { toldSeq: 2 });
      },
    ];
    for (const [no, change] of changes.entries()) {
      using scene = new PushScene(['ann', 'bob']);
      scene.device('bob');
      scene.outcomes.set('bob phone', { t: 'retry', reason: 'busy' });
      scene.onSend = () => {
        change(scene);
        scene.outcomes.clear();
      };
      await scene.handle(scene.said(1, 2, 'ann', earlier()));
      assert.deepEqual([scene.to, scene.marks, scene.asked], [['bob phone 2'], [], 1], String(no));
    }
    using scene = new PushScene(['ann', 'bob']);
    scene.device('bob');
    scene.outcomes.set('bob phone', { t: 'retry', reason: 'busy' });
    scene.onSend = () => {
      scene.cursor('bob', 1);
      scene.outcomes.clear();
    };
    await scene.handle(scene.said(1, 2, 'ann', earlier()));
    assert.deepEqual(scene.to, ['bob phone 2', 'bob phone 2'], 'he has not read the last one');
  });

  it('are not tried again once they are too old', async () => {
    using scene = new PushScene(['ann', 'bob'], { ttlSeconds: 3_600 });
    scene.device('bob');
    scene.outcomes.set('bob phone', { t: 'retry', reason: 'busy' });
    scene.onSend = () => {
      scene.clock.aheadMs = 3_600_000;
      scene.outcomes.clear();
    };
    await scene.handle(scene.said(1, 1, 'ann', earlier()));
    assert.deepEqual([scene.to, scene.expired], [['bob phone 1'], 1]);
  });

  it('are not tried again at a device that is gone, or has another target', async () => {
    for (const change of ['gone', 'another'] as const) {
      using scene = new PushScene(['ann', 'bob']);
      scene.device('bob');
      scene.outcomes.set('bob phone', { t: 'retry', reason: 'busy' });
      scene.onSend = () => {
        scene.forgets('bob');
        if (change === 'another') scene.appleDevice('bob', 'phone');
      };
      await scene.handle(scene.said(1, 1, 'ann', earlier()));
      assert.deepEqual([scene.to, scene.marks, scene.removed], [['bob phone 1'], [], []], change);
      assert.deepEqual(scene.letters.kept, []);
    }
  });

  it('wait for a session that may acknowledge, and come when it does not', async () => {
    using scene = new PushScene(['ann', 'bob', 'cyd', 'dan']);
    for (const user of ['bob', 'cyd', 'dan']) scene.device(user);
    scene.device('bob', 'tablet');
    scene.session('bob', 'tablet', 'acknowledged');
    scene.session('bob', 'phone', 'owing');
    scene.session('cyd', 'phone', 'owing');
    const handled = scene.handle(scene.said(1, 1));
    await until(
      () => scene.to.length === 1 && scene.asked === 1,
      () => `it went to ${scene.to}`,
    );
    assert.deepEqual(scene.to, ['dan phone 1'], 'who has no session does not wait');
    // Cyd's acknowledgement comes late, and bob's phone is in a tunnel.
    scene.sessions.splice(2, 1, { ...scene.sessions[2]!, state: 'acknowledged' });
    await handled;
    assert.deepEqual(scene.to, ['bob phone 1', 'dan phone 1']);
    assert.equal(scene.asked, 2);
  });

  it('go once to a device without a session that is still waited for when other sessions have had their time', async () => {
    using scene = new PushScene(['ann', 'bob']);
    scene.device('bob');
    scene.device('bob', 'laptop');
    scene.session('bob', 'laptop', 'owing');
    scene.hanging = Promise.withResolvers();
    const handled = scene.handle(scene.said(1, 1));
    await until(
      () => scene.asked === 2 && scene.underWay >= 2,
      () => `${scene.underWay} are under way`,
    );
    scene.hanging.resolve();
    await handled;
    assert.deepEqual(scene.to, ['bob laptop 1', 'bob phone 1']);
  });

  it('don’t come again: not after a restart, not when a part of them has failed', async () => {
    using scene = new PushScene(['ann', 'bob', 'cyd']);
    scene.device('bob', 'phone', { toldSeq: 3 });
    scene.device('cyd');
    const event = scene.said(1, 3, 'ann', earlier());
    scene.letters.broken = new Error('no space');
    scene.outcomes.set('cyd phone', { t: 'rejected', reason: 'payload' });
    const handled = scene.handle(event);
    await until(
      () => scene.pushed.length > 2,
      () => 'it is not tried again',
    );
    scene.outcomes.clear();
    await handled;
    assert.equal(new Set(scene.to).size, 1);
    assert.equal(new Set(scene.pushed.map(({ notice }) => notice.id)).size, 1);
    const before = scene.pushed.length;
    await scene.handle(event);
    assert.equal(scene.pushed.length, before);
    assert.deepEqual(
      scene.marks.map(({ userId, seq }) => `${userId} ${seq}`),
      ['cyd 3'],
    );
  });

  it('come once the store is back', async () => {
    using scene = new PushScene(['ann', 'bob']);
    scene.device('bob');
    scene.storeBroken = true;
    const handled = scene.handle(scene.said(1, 1, 'ann', earlier()));
    setTimeout(() => {
      scene.storeBroken = false;
    }, 300);
    await handled;
    assert.deepEqual(scene.to, ['bob phone 1']);
  });

  it('are not sent when they are too old, nor to a device that came later', async () => {
    using scene = new PushScene(['ann', 'bob', 'cyd'], { ttlSeconds: 3_600 });
    scene.device('bob', 'phone', { registeredAtMs: Date.now() - 1_000 });
    scene.device('cyd');
    await scene.handle(scene.said(1, 1, 'ann', Date.now() - 3_700_000));
    assert.deepEqual(scene.to, []);
    await scene.handle(scene.said(2, 2, 'ann', Date.now() - 60_000));
    assert.deepEqual(scene.to, ['cyd phone 2']);
    assert.ok((scene.pushed[0]?.notice.ttlSeconds ?? 0) <= 3_540);
  });

  it('forget a device that is gone, and go on with the others', async () => {
    using scene = new PushScene(['ann', 'bob']);
    scene.device('bob');
    scene.device('bob', 'tablet');
    scene.outcomes.set('bob phone', { t: 'gone', reason: 'unregistered' });
    await scene.handle(scene.said(1, 1, 'ann', earlier()));
    assert.deepEqual(scene.removed, ['bob phone']);
    assert.deepEqual(
      scene.marks.map(({ deviceId }) => deviceId),
      ['tablet'],
    );
  });

  it('go to all members, a part of them at a time', async () => {
    const members = Array.from({ length: 250 }, (_, no) => `u${no}`);
    using crowd = new PushScene(['ann', ...members]);
    for (const user of members) crowd.device(user);
    await crowd.handle(crowd.said(1, 1, 'ann', earlier()));
    assert.equal(new Set(crowd.to).size, 250);
    assert.equal(crowd.asked, 3);
  });

  it('I6: are held up by no provider that hangs and has no room left, and none of its own is lost', async () => {
    const users = Array.from({ length: 6 }, (_, no) => `u${no}`);
    using scene = new PushScene(['ann', ...users], { kinds: ['fcm', 'apns'], room: 3 });
    for (const user of users) scene.device(user);
    for (const user of users) scene.appleDevice(user);
    scene.hanging = Promise.withResolvers();
    const apple = () => scene.pushed.filter(({ to }) => to === 'apns');
    // More than the rounds that there are turns for.
    const handled: Promise<void>[] = [];
    for (let seq = 1; seq <= 8; seq += 1) {
      handled.push(scene.handle(scene.said(seq, seq, 'ann', earlier() + seq * 1_000)));
      await until(
        () => apple().length >= seq * users.length,
        () => `message ${seq} made ${apple().length} pushes in all`,
      );
    }
    assert.equal(scene.pushed.length, apple().length, 'nothing came by the one that hangs');
    assert.ok(scene.underWay <= 3 + users.length, `${scene.underWay} wait for it`);
    scene.hanging.resolve();
    await Promise.all(handled);
    for (const user of users) assert.ok(scene.to.includes(`${user} phone 8`), `${scene.to}`);
    assert.equal(apple().length, 8 * users.length);
  });

  it('go to all members by each of several providers, once', async () => {
    const members = Array.from({ length: 250 }, (_, no) => `u${no}`);
    using crowd = new PushScene(['ann', ...members], { kinds: ['fcm', 'apns'] });
    for (const user of members) crowd.device(user);
    for (const user of members.slice(100)) crowd.appleDevice(user);
    await crowd.handle(crowd.said(1, 1, 'ann', earlier()));
    assert.equal(crowd.to.length, 400);
    assert.equal(new Set(crowd.to).size, 251);
  });

  it('that are under way when it stops are not done with', async () => {
    const scene = new PushScene(['ann', 'bob'], { ackMs: 60_000 });
    scene.device('bob');
    scene.session('bob', 'phone', 'owing');
    const handled = scene.handle(scene.said(1, 1));
    await until(
      () => scene.asked === 1,
      () => 'nobody was asked',
    );
    scene.stop();
    await assert.rejects(handled, /stopping/);
    assert.deepEqual(scene.to, []);
  });
});
