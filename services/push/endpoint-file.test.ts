import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ConfigError } from '../core/config.ts';
import type { Mode } from '../core/core-options.ts';
import { readEndpoints } from './endpoint-file.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const good = {
  name: 'app',
  url: 'https://app.example/hook?x=1',
  secrets: [secret],
  events: ['message.created'],
};

describe('the file of endpoints', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'parley-endpoints-'));
  });
  after(() => rm(directory, { recursive: true }));

  async function read(content: unknown, mode: Mode = 'production') {
    const path = join(directory, 'webhooks.json');
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    return readEndpoints(path, mode);
  }

  async function problems(content: unknown, mode: Mode = 'production'): Promise<readonly string[]> {
    try {
      await read(content, mode);
    } catch (error) {
      assert.ok(error instanceof ConfigError, String(error));
      return error.problems;
    }
    assert.fail('it was taken');
  }

  it('names endpoints, with defaults', async () => {
    const [endpoint] = await read({ endpoints: [good] });
    assert.equal(endpoint?.url.href, good.url);
    assert.equal(endpoint?.inFlight, 16);
    assert.deepEqual([...(endpoint?.types ?? [])], ['message.created']);
    assert.equal(endpoint?.keys[0]?.byteLength, 24);
  });

  it('takes http for this machine alone in production, and anywhere in development', async () => {
    for (const host of ['127.0.0.1:80', 'localhost', '[::1]:8080', '127.9.9.9']) {
      await read({ endpoints: [{ ...good, url: `http://${host}/` }] });
    }
    const elsewhere = { ...good, url: 'http://10.0.0.1/' };
    assert.match(
      String(await problems({ endpoints: [elsewhere] })),
      /endpoints\[0\]\.url must begin with https:/,
    );
    await read({ endpoints: [elsewhere] }, 'development');
  });

  it('says all that is wrong with it, by place', async () => {
    const cases: readonly (readonly [unknown, RegExp])[] = [
      ['{"endpoints": [', /is no JSON/],
      [{}, /endpoints/],
      [{ endpoints: [{ ...good, name: 'No' }] }, /endpoints\[0\]\.name: must be 1 to 40/],
      [{ endpoints: [good, good] }, /endpoints\[1\]\.name: app is there twice/],
      [{ endpoints: [{ ...good, url: 'not a url' }] }, /\.url is no URL/],
      [{ endpoints: [{ ...good, url: 'file:///etc/passwd' }] }, /\.url must begin with https/],
      [{ endpoints: [{ ...good, url: 'https://a:b@c/' }] }, /\.url must not hold a user/],
      [{ endpoints: [{ ...good, url: 'https://c/#x' }] }, /\.url must not have a fragment/],
      [{ endpoints: [{ ...good, events: ['message.typo'] }] }, /endpoints\[0\]\.events\[0\]/],
      [{ endpoints: [{ ...good, events: [] }] }, /endpoints\[0\]\.events/],
      [{ endpoints: [{ ...good, secrets: [] }] }, /endpoints\[0\]\.secrets/],
      [{ endpoints: [{ ...good, in_flight: 0 }] }, /endpoints\[0\]\.in_flight/],
      [{ endpoints: [{ ...good, extra: 1 }] }, /extra/],
      [{ endpoints: [{ ...good, ca_file: 'no-such.pem' }] }, /\.ca_file can't be read/],
      [{ endpoints: Array.from({ length: 17 }, (_, i) => ({ ...good, name: `e${i}` })) }, /endpoints/],
    ];
    for (const [content, expected] of cases) {
      assert.match((await problems(content)).join('\n'), expected, JSON.stringify(content));
    }
    const two = [
      { ...good, secrets: ['whsec_short', secret] },
      { ...good, name: 'b', url: 'ftp://x' },
    ];
    assert.equal((await problems({ endpoints: two })).length, 2);
  });

  it('never shows a secret', async () => {
    const text = String(await problems({ endpoints: [{ ...good, secrets: ['whsec_geheim!'] }] }));
    assert.match(text, /endpoints\[0\]\.secrets\[0\] must be whsec_/);
    assert.doesNotMatch(text, /geheim/);
    assert.doesNotMatch(String(await problems(`{"endpoints": [{"secrets": ["${secret}`)), /MfKQ/);
  });

  it('must be there', async () => {
    await assert.rejects(readEndpoints(join(directory, 'none.json'), 'production'), ConfigError);
  });
});
