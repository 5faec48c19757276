import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Roster, type SeenNode } from './roster.ts';

const node = (nodeId: string, incarnation = 1): SeenNode => ({
  nodeId,
  incarnation,
  address: `${nodeId}:9505`,
});

/** What is dialed and stopped, in order; links are open as the test says. */
class Dialed {
  readonly told: string[] = [];
  readonly open = new Set<string>();
  readonly roster = new Roster(({ nodeId, incarnation }) => {
    const name = `${nodeId}.${incarnation}`;
    this.told.push(`dial ${name}`);
    const { open } = this;
    return {
      get open() {
        return open.has(name);
      },
      stop: () => void this.told.push(`stop ${name}`),
    };
  });

  /** What was done since the last time. */
  done(): string[] {
    return this.told.splice(0);
  }
}

describe('a roster', () => {
  it('dials whom it sees, once', () => {
    const dialed = new Dialed();
    dialed.roster.see([node('a'), node('b')]);
    dialed.roster.see([node('b'), node('a')]);
    assert.deepEqual(dialed.done(), ['dial a.1', 'dial b.1']);
  });

  it('dials a node anew that runs anew', () => {
    const dialed = new Dialed();
    dialed.roster.see([node('a', 1)]);
    dialed.roster.see([node('a', 2)]);
    assert.deepEqual(dialed.done(), ['dial a.1', 'stop a.1', 'dial a.2']);
  });

  it('keeps the link of one that it sees no more until it is lost', () => {
    const dialed = new Dialed();
    dialed.roster.see([node('a'), node('b')]);
    dialed.open.add('a.1');
    dialed.done();
    dialed.roster.see([]);
    assert.deepEqual(dialed.done(), ['stop b.1'], 'whose link was not open');
    dialed.roster.lost('a');
    assert.deepEqual(dialed.done(), [], 'it is open');
    dialed.open.delete('a.1');
    dialed.roster.lost('a');
    assert.deepEqual(dialed.done(), ['stop a.1']);
    assert.equal(dialed.roster.size, 0);
  });

  it('goes on dialing one whose link is lost while it is seen', () => {
    const dialed = new Dialed();
    dialed.roster.see([node('a')]);
    dialed.roster.lost('a');
    assert.deepEqual(dialed.done(), ['dial a.1']);
    dialed.roster.stop();
    assert.deepEqual(dialed.done(), ['stop a.1']);
  });
});
