import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import fc from 'fast-check';
import type { DoorOutlet } from '../core/door.ts';
import { type Frame, LongFrame, wholeFrame } from '../core/frame.ts';
import type { TraceContext } from '../core/trace-context.ts';
import { testTracer } from '../core/testing/test-tracer.ts';
import { Flusher, type FlushTarget } from './flusher.ts';

class Door implements DoorOutlet {
  readonly calls: { readonly sessions: readonly number[]; readonly frame: Uint8Array }[] = [];
  readonly traces: (TraceContext | undefined)[] = [];
  onDeliver: () => void = () => {};

  deliver(sessions: readonly number[], frame: Frame, trace?: TraceContext): void {
    this.traces.push(trace);
    this.calls.push({ sessions: [...sessions], frame: wholeFrame(frame) });
    this.onDeliver();
  }

  close(): void {}

  received(session: number): number[] {
    return this.calls.flatMap(({ sessions, frame }) => (sessions.includes(session) ? [...frame] : []));
  }
}

const target = (outlet: DoorOutlet, doorSession: number): FlushTarget => ({
  outlet,
  doorSession,
  path: undefined,
  lazy: undefined,
});
const bytes = (...values: number[]) => Uint8Array.from(values);

function flusher(collect: () => number = () => 0): { readonly flusher: Flusher; readonly errors: unknown[] } {
  const errors: unknown[] = [];
  const nowMs = () => 0;
  return { flusher: new Flusher({ collect, nowMs, failed: (error) => errors.push(error) }), errors };
}

describe('a flush', () => {
  it('writes each session once, in order', () => {
    const door = new Door();
    const one = target(door, 1);
    const { flusher: flush } = flusher();
    for (const value of [1, 2, 3]) flush.queue(one, bytes(value));
    flush.flush();
    assert.equal(door.calls.length, 1);
    assert.deepEqual(door.received(1), [1, 2, 3]);
    flush.flush();
    assert.equal(door.calls.length, 1, 'nothing waits any more');
  });

  it('hands one buffer to all for whom the same waits', () => {
    const [door, other] = [new Door(), new Door()];
    const shared = [bytes(1), bytes(2)];
    const { flusher: flush } = flusher();
    const targets = [target(door, 1), target(door, 2), target(other, 1)];
    for (const fragment of shared) for (const one of targets) flush.queue(one, fragment);
    const own = target(door, 3);
    flush.queue(own, bytes(9));
    flush.queue(own, shared[1] as Uint8Array);
    flush.flush();
    assert.deepEqual(
      door.calls.map(({ sessions, frame }) => [sessions, [...frame]]),
      [
        [
          [1, 2],
          [1, 2],
        ],
        [[3], [9, 2]],
      ],
    );
    assert.equal(other.calls[0]?.frame, door.calls[0]?.frame);
  });

  it('copies nothing long for those who have something of their own before it', () => {
    const door = new Door();
    const { flusher: flush } = flusher();
    const long = new Uint8Array(4 * 1024);
    for (const session of [1, 2]) {
      const one = target(door, session);
      flush.queue(one, bytes(session));
      flush.queue(one, long);
    }
    flush.flush();
    const frames = door.calls.map(({ sessions, frame }) => [
      sessions[0],
      frame === long ? 'long' : [...frame],
    ]);
    assert.deepEqual(frames, [
      [1, [1]],
      [1, 'long'],
      [2, [2]],
      [2, 'long'],
    ]);
  });

  it('splits what is long, and never a fragment', () => {
    const door = new Door();
    const { flusher: flush } = flusher();
    const one = target(door, 1);
    const sizes = [300_000, 300_000, 600_000, 10];
    for (const size of sizes) flush.queue(one, new Uint8Array(size));
    flush.flush();
    assert.deepEqual(
      door.calls.map(({ frame }) => frame.byteLength),
      [300_000, 300_000, 600_000, 10],
    );
  });

  it('takes what is gathered for many first', () => {
    const door = new Door();
    const one = target(door, 1);
    const own = flusher(() => {
      own.flusher.queue(one, bytes(7));
      return 1;
    });
    own.flusher.queue(one, bytes(1));
    own.flusher.flush();
    assert.deepEqual(door.received(1), [1, 7]);
  });

  it('is not stopped by a door that fails', () => {
    const [bad, good] = [new Door(), new Door()];
    bad.onDeliver = () => {
      throw new Error('no socket');
    };
    const { flusher: flush, errors } = flusher();
    flush.queue(target(bad, 1), bytes(1));
    flush.queue(target(good, 1), bytes(2));
    flush.flush();
    assert.deepEqual(good.received(1), [2]);
    assert.equal(errors.length, 1);
    flush.queue(target(good, 1), bytes(3));
    flush.flush();
    assert.deepEqual(good.received(1), [2, 3]);
  });

  it('is not stopped by an error of those who gather', () => {
    const door = new Door();
    const { flusher: flush, errors } = flusher(() => {
      throw new Error('a bug');
    });
    flush.queue(target(door, 1), bytes(1));
    flush.flush();
    assert.deepEqual(door.received(1), [1]);
    assert.equal(errors.length, 1);
  });

  it('that a door asks for in the middle of one comes after it', async () => {
    const door = new Door();
    const one = target(door, 1);
    const { flusher: flush } = flusher();
    let again = true;
    const second = new Promise<void>((resolve) => {
      door.onDeliver = () => {
        if (!again) return resolve();
        again = false;
        flush.queue(one, bytes(2));
        flush.flush();
      };
    });
    flush.queue(one, bytes(1));
    flush.flush();
    assert.deepEqual(door.received(1), [1]);
    await second;
    assert.deepEqual(door.received(1), [1, 2]);
  });

  it('comes by itself', async () => {
    const door = new Door();
    const { flusher: flush } = flusher();
    const written = new Promise<void>((resolve) => {
      door.onDeliver = resolve;
    });
    flush.queue(target(door, 1), bytes(5));
    await written;
    assert.deepEqual(door.received(1), [5]);
  });

  it('takes what is not urgent along, in order', () => {
    const door = new Door();
    const one = target(door, 1);
    const { flusher: flush } = flusher();
    flush.queueLazily(one, bytes(1));
    flush.queueLazily(one, bytes(2));
    flush.flush();
    assert.deepEqual(door.received(1), []);
    flush.queue(one, bytes(3));
    flush.queueLazily(one, bytes(4));
    flush.flush();
    assert.deepEqual(door.received(1), [1, 2, 3, 4]);
    assert.equal(door.calls.length, 1);
  });

  it('comes for what is not urgent after a while', () => {
    mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] });
    try {
      const door = new Door();
      const { flusher: flush } = flusher();
      const [one, other] = [target(door, 1), target(door, 2)];
      flush.queueLazily(one, bytes(1));
      mock.timers.tick(50);
      flush.queueLazily(other, bytes(2));
      mock.timers.tick(49);
      assert.deepEqual(door.calls, []);
      mock.timers.tick(2);
      assert.deepEqual([door.received(1), door.received(2)], [[1], [2]]);
      flush.queueLazily(one, bytes(3));
      mock.timers.tick(101);
      assert.deepEqual(door.received(1), [1, 3]);
    } finally {
      mock.timers.reset();
    }
  });

  for (const [entries, waits] of [
    [1, false],
    [2, true],
  ] as const)
    it(`that was dear is followed by ${waits ? 'a pause' : 'the next'} where a socket gets ${entries} entries`, () => {
      mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] });
      try {
        const door = new Door();
        const one = target(door, 1);
        let nowMs = 0;
        door.onDeliver = () => {
          nowMs += 10;
        };
        const failed = () => {};
        const flush = new Flusher({ collect: () => entries, nowMs: () => nowMs, failed });
        flush.queue(one, bytes(1));
        mock.timers.tick(1);
        flush.queue(one, bytes(2));
        mock.timers.tick(1);
        assert.deepEqual(door.received(1), waits ? [1] : [1, 2]);
        mock.timers.tick(20);
        assert.deepEqual(door.received(1), [1, 2]);
      } finally {
        mock.timers.reset();
      }
    });

  it('gives every session exactly what was queued for it, in order', () => {
    const fragments = [bytes(1), bytes(2), new LongFrame(bytes(3), bytes(3)), bytes(4)];
    const queued = fc.array(fc.tuple(fc.nat(4), fc.nat(3), fc.boolean()), { maxLength: 100 });
    fc.assert(
      fc.property(queued, (steps) => {
        const doors = [new Door(), new Door()];
        const targets = [0, 1, 2, 3, 4].map((no) => target(doors[no % 2] as Door, no));
        const expected = targets.map((): number[] => []);
        const { flusher: flush } = flusher();
        for (const [no, which, flushes] of steps) {
          const one = targets[no] as FlushTarget;
          if (which === 0) flush.queueLazily(one, fragments[which] as Frame);
          else flush.queue(one, fragments[which] as Frame);
          expected[no]?.push(...(which === 2 ? [3, 3] : [which + 1]));
          if (flushes) flush.flush();
        }
        for (const [no, one] of targets.entries()) {
          flush.queue(one, bytes(9));
          expected[no]?.push(9);
        }
        flush.flush();
        for (const [no, wanted] of expected.entries()) assert.deepEqual(doors[no % 2]?.received(no), wanted);
      }),
    );
  });
});

describe('a fragment with a sampled entry', () => {
  it('is told of to the doors that write it, and its span ends with the flush', () => {
    const door = new Door();
    const { tracer, ended } = testTracer();
    const [sampled, plain] = [bytes(1), bytes(2)];
    const span = tracer.start('entry deliver');
    const both = target(door, 1);
    const other = target(door, 2);
    const { flusher: flush } = flusher(() => {
      for (const fragment of [plain, sampled]) flush.queue(both, fragment);
      flush.queue(other, plain);
      flush.carries(sampled, span);
      return 1;
    });
    flush.flush();
    const traced = door.calls.map(({ sessions }, at) => [sessions, door.traces[at]?.spanId]);
    assert.deepEqual(traced.toSorted(), [
      [[1], span.context.spanId],
      [[2], undefined],
    ]);
    assert.deepEqual(ended(), ['entry deliver']);
  });

  it('is forgotten with its flush, also where nobody was there to take it', () => {
    const door = new Door();
    const { tracer, ended } = testTracer();
    const fragment = bytes(1);
    let collected = 0;
    const { flusher: flush } = flusher(() => {
      collected += 1;
      if (collected === 1) flush.carries(fragment, tracer.start('entry deliver'));
      return 0;
    });
    flush.flush();
    assert.deepEqual(ended(), ['entry deliver']);
    flush.queue(target(door, 1), fragment);
    flush.flush();
    assert.deepEqual(door.traces, [undefined]);
  });
});
