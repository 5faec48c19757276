import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EngineHost } from './engine-host.ts';
import { askRedis } from './redis-server.ts';

describe('engine host', () => {
  it('starts an engine once, for whoever asks, and ends it', async () => {
    const host = new EngineHost();
    const url = await host.listen();
    const ask = async (name: string) => {
      const response = await fetch(`${url}/${name}`, { headers: { connection: 'close' } });
      return { ok: response.ok, text: await response.text() };
    };
    const [one, other, own] = await Promise.all([ask('redis'), ask('redis'), host.port('redis')]);
    assert.deepEqual([one, other], Array(2).fill({ ok: true, text: `${own}` }));
    assert.equal(await askRedis(own, 'PING'), 'PONG');
    assert.deepEqual(await ask('toString'), {
      ok: false,
      text: 'Error: there is no engine "toString"',
    });
    await host[Symbol.asyncDispose]();
    await assert.rejects(askRedis(own, 'PING'));
    await assert.rejects(ask('redis'));
  });
});
