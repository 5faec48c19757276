import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConvId } from '../core/ids.ts';
import type { Delivery } from './delivery.ts';
import { Redelivery } from './redelivery.ts';
import { Room } from './room.ts';
import { conv, Stage, StandingClock } from './testing/stage.ts';

const tickMs = 5_000;

/** Ticks as the node's timer does, and says after how many seconds something was told. */
function wait(stage: Stage, seconds: number): void {
  for (let passed = 0; passed < seconds; passed += 5) {
    stage.clock.nowMs += tickMs;
    stage.pushes.redeliver();
  }
}

describe('what is pushed and not acknowledged', () => {
  it('I5: is announced again up to three times, then the session is closed', () => {
    const stage = new Stage();
    const ada = stage.open('ada');
    stage.audience({ ada: [1, 0] });
    stage.entries(1, 2);
    stage.flush();
    wait(stage, 30);
    assert.deepEqual(stage.told(ada), [1, 2], 'not yet');
    wait(stage, 10);
    assert.deepEqual(stage.told(ada), [1, 2, '1-2']);
    wait(stage, 60);
    assert.deepEqual(stage.told(ada), [1, 2, '1-2', '1-2', '1-2']);
    assert.deepEqual(stage.ended, []);
    wait(stage, 30);
    assert.deepEqual(
      stage.ended.map(({ reason }) => reason),
      ['unacknowledged'],
    );
    assert.equal(stage.meters.redeliveries, 3);
  });

  it('is announced from the first one on that is missing, up to what was due', () => {
    const stage = new Stage();
    const ada = stage.open('ada');
    stage.audience({ ada: [1, 0] });
    stage.entries(1, 2, 3);
    stage.flush();
    stage.pushes.acknowledge(ada, conv, 1);
    wait(stage, 25);
    stage.entries(4);
    stage.flush();
    wait(stage, 15);
    assert.deepEqual(stage.told(ada), [1, 2, 3, 4, '2-3']);
  });

  it('is not announced once it is acknowledged', () => {
    const stage = new Stage();
    const ada = stage.open('ada');
    stage.audience({ ada: [1, 0] });
    stage.entries(1, 2);
    stage.flush();
    wait(stage, 25);
    stage.pushes.acknowledge(ada, conv, 2);
    wait(stage, 200);
    assert.deepEqual(stage.told(ada), [1, 2]);
    assert.equal(stage.pushes.rooms.active.size, 0, 'nothing is looked after');
  });

  it('I5: is announced however busy other conversations are', () => {
    const stage = new Stage();
    const ada = stage.open('ada');
    stage.audience({ ada: [1, 0] });
    stage.entries(1, 2);
    stage.flush();
    const busy = new Room('busy' as ConvId, 0);
    for (let passedMs = 0; passedMs < 45_000; passedMs += 100) {
      // What is said there is acknowledged before it is looked at, and more is said.
      stage.pushes.rooms.active.add(busy);
      stage.clock.nowMs += 100;
      stage.pushes.redeliver(0.02);
    }
    assert.deepEqual(stage.told(ada), [1, 2, '1-2']);
  });

  it('begins to count again when something was acknowledged', () => {
    const stage = new Stage();
    const ada = stage.open('ada');
    stage.audience({ ada: [1, 0] });
    stage.entries(1, 2);
    stage.flush();
    wait(stage, 100);
    stage.pushes.acknowledge(ada, conv, 1);
    wait(stage, 90);
    assert.deepEqual(stage.ended, []);
    wait(stage, 40);
    assert.equal(stage.ended.length, 1);
  });

  it('is not counted against a session that reads nothing: it is closed for that', () => {
    const stage = new Stage();
    const ada = stage.open('ada');
    stage.audience({ ada: [1, 0] });
    stage.entries(1);
    stage.flush();
    ada.pausedAtMs = 1;
    wait(stage, 300);
    assert.deepEqual([stage.told(ada), stage.ended], [[1], []]);
  });

  it('is announced to a session over its window, too', () => {
    const stage = new Stage({ windowBytes: 10 });
    const ada = stage.open('ada');
    stage.audience({ ada: [1, 0] });
    stage.entries(1);
    stage.flush();
    assert.ok(ada.overWindow);
    wait(stage, 40);
    assert.deepEqual(stage.told(ada), [1, '1-1']);
  });

  it('of a time before a rejoining is not announced: it is hidden now', () => {
    const stage = new Stage();
    const bob = stage.open('bob');
    stage.audience({ bob: [1, 0] });
    stage.entries(1, 2);
    stage.flush();
    stage.audience({ bob: [9, 0] });
    wait(stage, 300);
    assert.deepEqual(stage.told(bob), [1, 2]);
    assert.deepEqual(stage.ended, []);
  });

  it('does not concern a session that came after it', () => {
    const stage = new Stage();
    const ada = stage.open('ada');
    stage.audience({ ada: [1, 0] });
    stage.entries(1);
    stage.flush();
    const phone = stage.open('ada');
    stage.audience({ ada: [1, 0] });
    wait(stage, 200);
    assert.deepEqual(stage.told(phone), []);
    assert.deepEqual(
      stage.ended.map(({ session }) => session),
      [ada],
    );
  });
});

describe('rooms', () => {
  it('are looked at in turn, all of them in as many steps as there are parts', () => {
    const rooms = Array.from({ length: 120 }, (_, no) => new Room(`g${no}` as ConvId, 0));
    const ada = new Stage().open('ada');
    for (const room of rooms) {
      room.addGap(1, 2);
      room.enter(ada, { userId: ada.userId, firstSeq: 1, lastSeq: 0 }, 1).sentSeq = 2;
    }
    const clock = new StandingClock();
    const announced: ConvId[] = [];
    const announce = (delivery: Delivery): void => void announced.push(delivery.room.convId);
    const redelivery = new Redelivery(new Set(rooms), { clock, afterMs: 30_000, announce, giveUp() {} });
    for (let step = 0; step < 40; step += 1) redelivery.step(1 / 40);
    assert.deepEqual(announced, [], 'nothing is due yet');
    clock.nowMs += 30_000;
    for (let step = 1; step <= 40; step += 1) {
      redelivery.step(1 / 40);
      assert.deepEqual(
        announced,
        rooms.slice(0, 3 * step).map(({ convId }) => convId),
      );
    }
  });
});

describe('bytes that are not acknowledged', () => {
  it('are freed in proportion, and wholly with the last one', () => {
    const stage = new Stage();
    const ada = stage.open('ada');
    stage.audience({ ada: [1, 0] });
    stage.entries(1, 2, 3, 4);
    stage.flush();
    const all = ada.unackedBytes;
    stage.pushes.acknowledge(ada, conv, 2);
    assert.equal(ada.unackedBytes, Math.round(all / 2));
    stage.pushes.acknowledge(ada, conv, 4);
    assert.equal(ada.unackedBytes, 0);
  });
});
