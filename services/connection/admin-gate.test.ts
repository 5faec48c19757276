import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Fault } from '../core/fault.ts';
import { AdminGate } from './admin-gate.ts';

function gate() {
  let nowMs = 1_000;
  const self = new AdminGate({ wallMs: () => 0, monotonicMs: () => nowMs });
  return {
    self,
    wait: (ms: number) => {
      nowMs += ms;
    },
  };
}

const limited = (error: unknown) => error instanceof Fault && error.reason === 'rateLimited';

describe('the gate of the administration', () => {
  it('lets ten failures pass, then makes their address wait', () => {
    const { self, wait } = gate();
    for (let tries = 0; tries < 11; tries += 1) {
      self.enter('192.0.2.1');
      self.failed('192.0.2.1');
    }
    assert.throws(() => self.enter('192.0.2.1'), limited);
    self.enter('192.0.2.2');
    wait(6_000);
    self.enter('192.0.2.1');
    self.failed('192.0.2.1');
    assert.throws(() => self.enter('192.0.2.1'), limited);
  });

  it('takes a network of IPv6 for one address, and this machine for another', () => {
    const { self } = gate();
    for (let host = 0; host < 11; host += 1) self.failed(`2001:db8::${host}`);
    assert.throws(() => self.enter('2001:db8::ffff'), limited);
    self.enter('::1');
    for (let tries = 0; tries < 11; tries += 1) self.failed('127.0.0.1');
    assert.throws(() => self.enter('::1'), limited);
  });

  it('I6: forgets addresses rather than growing', () => {
    const { self } = gate();
    for (let tries = 0; tries < 11; tries += 1) self.failed('first');
    for (let address = 0; address < 10_000; address += 1) self.failed(`address ${address}`);
    self.enter('first');
  });
});
