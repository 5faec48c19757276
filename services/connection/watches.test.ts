import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { UserId } from '../core/ids.ts';
import type { Session } from './session.ts';
import { Stage } from './testing/stage.ts';
import { Watches } from './watches.ts';

const users = (...names: string[]) => new Set(names as UserId[]);

function open(): { readonly watches: Watches; readonly told: string[]; session(): Session } {
  const told: string[] = [];
  const stage = new Stage();
  const watches = new Watches({
    watch: (list) => void told.push(`+${list.join()}`),
    unwatch: (list) => void told.push(`-${list.join()}`),
  });
  return { watches, told, session: () => stage.open('ada') };
}

describe('the users that sessions watch', () => {
  it('are asked of message nodes once, however many watch', () => {
    const { watches, told, session } = open();
    const [one, other] = [session(), session()];
    assert.deepEqual(watches.replace(one, users('bob', 'cyd')), []);
    assert.deepEqual(watches.replace(other, users('bob', 'dan')), ['bob']);
    assert.deepEqual(told, ['+bob,cyd', '+dan']);
    assert.deepEqual([...watches.of('bob' as UserId)], [one, other]);
  });

  it('are let go with the last who watches', () => {
    const { watches, told, session } = open();
    const [one, other] = [session(), session()];
    watches.replace(one, users('bob'));
    watches.replace(other, users('bob'));
    watches.replace(one, users());
    assert.deepEqual(told, ['+bob']);
    watches.replace(other, users('eve'));
    assert.deepEqual(told, ['+bob', '+eve', '-bob']);
    assert.deepEqual([...watches.of('bob' as UserId)], []);
  });
});
