import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { ConnectRequestSchema } from '../gen/parley/chat/v1/session_pb.ts';
import { encodeCommand } from './frames.ts';
import { Outbox } from './outbox.ts';

test('property: commands leave in order, in frames within the limits', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 200 })),
      fc.integer({ min: 300, max: 900 }),
      fc.integer({ min: 1, max: 8 }),
      (lengths, maxBytes, maxCommands) => {
        const outbox = new Outbox({ maxBytes, maxCommands });
        for (const [at, length] of lengths.entries())
          outbox.push(encodeCommand(at + 1, { case: 'typing', value: { convId: 'x'.repeat(length) } }));
        const frames = outbox.take();
        const decoded = frames.map((frame) => fromBinary(ConnectRequestSchema, frame).commands);
        assert.ok(frames.every((frame) => frame.byteLength <= maxBytes));
        assert.ok(decoded.every((commands) => commands.length <= maxCommands));
        assert.deepEqual(
          decoded.flat().map((command) => command.id),
          lengths.map((_, at) => at + 1),
        );
        assert.ok(outbox.empty);
      },
    ),
  );
});

test('a command that is over the limit by itself goes alone: the server says what is wrong with it', () => {
  const outbox = new Outbox({ maxBytes: 50, maxCommands: 8 });
  for (const length of [10, 100, 10])
    outbox.push(encodeCommand(1, { case: 'typing', value: { convId: 'x'.repeat(length) } }));
  assert.equal(outbox.take().length, 3);
});
