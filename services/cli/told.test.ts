import assert from 'node:assert/strict';
import { it } from 'node:test';
import { StoreError } from '../ports/message-store.ts';
import { told } from './told.ts';

const failing = (error: Error) => async (): Promise<void> => {
  throw error;
};

it('what is wrong with a store or a disk is told in words, and a fault of the program is not hidden', async () => {
  let note = '';
  const io = { out: () => {}, note: (text: string) => void (note += text) };
  const codes = [
    { code: 'LEVEL_IO_ERROR' },
    { code: 'LEVEL_CORRUPTION' },
    { code: 'ENOSPC', syscall: 'write' },
  ];
  for (const code of codes)
    assert.equal(await told(io, failing(Object.assign(new Error(`it says ${code.code}`), code))), 1);
  assert.equal(await told(io, failing(new StoreError('unavailable', 'in use'))), 1);
  assert.equal(
    note,
    ['it says LEVEL_IO_ERROR', 'it says LEVEL_CORRUPTION', 'it says ENOSPC', 'in use']
      .map((text) => `parley: ${text}\n`)
      .join(''),
  );
  await assert.rejects(told(io, failing(new TypeError('a bug'))), TypeError);
});
