import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import type { ConvId, Seq, UserId } from '../core/ids.ts';
import type { AudienceFrame, OwnerFrame } from '../peer/edge-frames.ts';
import { owned, Ties } from './testing/ties.ts';

describe('an owner that is asked who hears', () => {
  const convId = 'g' as ConvId;
  const entry = (ties: Ties, seq: Seq): OwnerFrame =>
    ({ ...ties.entry(convId, seq), audience: 9 }) as OwnerFrame;

  it('I5: is asked again from the first entry that is not known here, whatever changes it tells of meanwhile', () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const ties = new Ties();
      const one = ties.link('m1');
      ties.session();
      one.say(entry(ties, 4));
      // Its store does not answer, and it goes on all the same.
      one.say(
        entry(ties, 3),
        entry(ties, 5),
        ties.audience(convId, 6, { audience: 9, whole: false, gone: [] }),
      );
      const asked = () => one.of('audienceUnknown').map(({ audience, seq }) => [audience, seq]);
      assert.deepEqual(asked(), [[9, 4]]);
      mock.timers.tick(1_000);
      assert.deepEqual(asked().at(-1), [0, 3]);
      // What begins behind it is no answer, either.
      one.say(ties.audience(convId, 6, { audience: 9 }));
      mock.timers.tick(1_000);
      assert.deepEqual(asked().at(-1), [0, 3]);
      one.say(ties.audience(convId, 3, { audience: 9 }));
      mock.timers.tick(5_000);
      assert.equal(asked().length, 3, 'it is answered');
    } finally {
      mock.timers.reset();
    }
  });
});

describe('an owner that is asked who hears, and names the audience again', () => {
  const convId = 'g' as ConvId;
  const audience = 9;
  const asking = () => {
    const ties = new Ties();
    const one = ties.link('m1');
    ties.session();
    const entry = (seq: Seq) => one.say({ ...ties.entry(convId, seq), audience } as OwnerFrame);
    const asked = () => one.of('audienceUnknown').map((frame) => [frame.audience, frame.seq]);
    return { ties, one, entry, asked };
  };

  it('I5: is asked for as long as it does not answer, ever less often', () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const { ties, one, entry, asked } = asking();
      entry(4);
      for (let second = 0; second < 2; second += 1) mock.timers.tick(1_000);
      assert.equal(asked().length, 3);
      entry(5);
      for (let second = 0; second < 60; second += 1) mock.timers.tick(1_000);
      const tries = asked().length;
      assert.ok(tries > 8 && tries < 16, `asked ${tries} times`);
      assert.deepEqual(asked().at(-1), [0, 4]);
      one.say(ties.audience(convId, 4, { audience }));
      for (let second = 0; second < 60; second += 1) mock.timers.tick(1_000);
      assert.equal(asked().length, tries, 'it has answered');
    } finally {
      mock.timers.reset();
    }
  });

  it('is not asked for ever when it has said that nobody hears, and stays the owner', () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const { ties, one, entry, asked } = asking();
      entry(4);
      one.say(ties.audience(convId, 5, { audience, users: [] }));
      for (let second = 0; second < 60; second += 1) mock.timers.tick(1_000);
      assert.deepEqual(asked(), [
        [audience, 4],
        [0, 4],
        [0, 4],
      ]);
    } finally {
      mock.timers.reset();
    }
  });

  for (const [what, answer] of [
    ['tells who hears', { users: [{ userId: 'ada' as UserId, firstSeq: 1, lastSeq: 0 }] }],
    ['says that nobody does', { users: [] }],
  ] as readonly (readonly [string, Partial<AudienceFrame>])[])
    it(`I5: is followed by the next one, which is asked until it ${what}, also of what it has let go of`, () => {
      mock.timers.enable({ apis: ['setTimeout'] });
      try {
        const ties = new Ties();
        const [one, two] = [ties.link('m1'), ties.link('m2')];
        ties.session();
        const moved = owned('m2', 'm1');
        one.say({ ...ties.entry(moved, 4), audience } as OwnerFrame);
        one.say(ties.audience(moved, 5, { audience, users: [] }));
        const asked = () => two.of('audienceUnknown').map(({ seq }) => seq);
        // Its store does not answer for long.
        for (let second = 0; second < 30; second += 1) mock.timers.tick(1_000);
        const tries = asked().length;
        assert.ok(tries > 5, `asked ${tries} times`);
        // What begins behind the entry is no answer.
        two.say(ties.audience(moved, 6));
        for (let second = 0; second < 10; second += 1) mock.timers.tick(1_000);
        assert.ok(asked().length > tries);
        two.say(ties.audience(moved, 4, answer));
        const answered = asked().length;
        for (let second = 0; second < 60; second += 1) mock.timers.tick(1_000);
        assert.equal(asked().length, answered);
      } finally {
        mock.timers.reset();
      }
    });

  for (const [what, forget] of [
    ['when it is lost', ({ one }) => one.cut()],
    ['of another epoch', ({ ties }) => ties.owners.reset('another')],
  ] as readonly (readonly [string, (scene: ReturnType<typeof asking>) => void])[])
    it(`I5: is not asked again ${what}: its places are those of another log`, () => {
      mock.timers.enable({ apis: ['setTimeout'] });
      try {
        const scene = asking();
        const other = scene.ties.link('m2', 'another');
        scene.entry(4);
        forget(scene);
        mock.timers.tick(1_000);
        assert.deepEqual([...scene.asked(), ...other.of('audienceUnknown')], [[audience, 4]]);
      } finally {
        mock.timers.reset();
      }
    });

  it('I5: is asked anew, and at once, when it has let go meanwhile', () => {
    const { ties, one, entry, asked } = asking();
    entry(4);
    one.say(ties.audience(convId, 5, { audience, users: [] }));
    entry(8);
    assert.deepEqual(asked(), [
      [audience, 4],
      [audience, 4],
    ]);
    ties.owners.stop();
  });
});
