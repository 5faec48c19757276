import assert from 'node:assert/strict';
import { userInfo } from 'node:os';
import { describe, it } from 'node:test';
import { idProblem } from '../core/ids.ts';
import { terminalName } from './terminal-name.ts';

describe('who sits at the terminal', () => {
  it('is the user of the machine', () => {
    assert.equal(terminalName(), `cli:${userInfo().username}`);
  });

  it('has a name also where passwd does not know the number', () => {
    const name = terminalName(() => {
      throw new Error('uv_os_get_passwd returned ENOENT');
    });
    assert.match(name, /^cli:uid-\d+$/);
    assert.equal(idProblem(name), undefined);
  });
});
