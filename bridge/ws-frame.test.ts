import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { wsFrame } from './ws-frame.ts';

// The framing of `ws` itself, which it does not export from its package.
const sender = createRequire(import.meta.url)('ws').Sender as {
  frame(data: Buffer, options: object): Buffer[];
};

test('frames are those of ws, at every length of header', () => {
  for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 300_000]) {
    const payload = Buffer.alloc(length, 'abc');
    for (const [kind, opcode] of [
      ['text', 1],
      ['binary', 2],
    ] as const) {
      const expected = Buffer.concat(
        sender.frame(payload, { fin: true, opcode, mask: false, readOnly: true }),
      );
      assert.ok(wsFrame(kind, payload).equals(expected), `${kind} of ${length}`);
    }
  }
});
