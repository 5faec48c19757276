import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Authority } from '../../test/helpers/certificates.ts';
import { ConfigError } from './config.ts';
import { loadLinkTls } from './link-tls.ts';

describe('certificates of nodes', () => {
  let authority: Authority;
  before(async () => {
    authority = await Authority.make();
    await authority.sign('one');
    await authority.sign('two');
  });
  after(() => authority[Symbol.asyncDispose]());

  const refused = (paths: Partial<Record<'cert' | 'key' | 'ca', string>>, words: RegExp) =>
    assert.rejects(loadLinkTls({ cert: undefined, key: undefined, ca: undefined, ...paths }), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, words);
      return true;
    });

  it('are read, all three or none', async () => {
    const { cert, key, ca } = authority.files('one');
    const tls = await loadLinkTls({ cert, key, ca });
    assert.match(String(tls?.current.cert), /BEGIN CERTIFICATE/);
    assert.equal(await loadLinkTls({ cert: undefined, key: undefined, ca: undefined }), undefined);
    await refused({ cert, key }, /PARLEY_LINK_TLS_CA must be set/);
    await refused({ ca }, /PARLEY_LINK_TLS_CERT must be set[^]*PARLEY_LINK_TLS_KEY must be set/);
  });

  it('are refused where they can not be used', async () => {
    const { cert, key, ca } = authority.files('one');
    await refused({ cert, key, ca: `${ca}.none` }, /PARLEY_LINK_TLS_CA must name a readable file/);
    await refused({ cert, key: authority.files('two').key, ca }, /do not fit/);
    await refused({ cert: await authority.write('nonsense.pem', 'nonsense'), key, ca }, /do not fit/);
  });
});
