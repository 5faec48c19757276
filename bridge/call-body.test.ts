import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { SendBatchRequestSchema } from '../gen/parley/chat/v1/message_pb.ts';
import { lookedOver } from './call-body.ts';

const maxBytes = 30_000;

function looked(contentType: string, ...chunks: readonly Uint8Array[]): Promise<Buffer> {
  async function* body(): AsyncGenerator<Uint8Array> {
    yield* chunks;
  }
  return buffer(lookedOver(body(), { contentType, kind: SendBatchRequestSchema, maxBytes }));
}

function envelope(message: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flag);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

const sends = (count: number) => Buffer.from(Array(count).fill([0x0a, 0]).flat());
const manyInJson = Buffer.from(`{"name":0,"sends":[${Array(7_000).fill('{}').join()}]}`);

describe('the body of a call', () => {
  it('goes on as it came', async () => {
    const [bare, enveloped] = [sends(10), envelope(sends(10))];
    assert.deepEqual(await looked('application/proto', bare.subarray(0, 3), bare.subarray(3)), bare);
    assert.deepEqual(await looked('application/grpc-web+proto', enveloped), enveloped);
    assert.deepEqual(await looked('application/grpc', envelope(Buffer.alloc(0))), envelope(Buffer.alloc(0)));
    assert.equal((await looked('application/json')).length, 0);
    const tooLarge = Buffer.alloc(maxBytes + 1);
    assert.deepEqual(await looked('application/proto', tooLarge), tooLarge, 'for others to refuse');
  });

  it('is looked at in whatever way its kind is written', async () => {
    for (const type of ['application/JSON', 'application/json; charset=UTF-8', 'Application/Json'])
      await assert.rejects(looked(type, manyInJson), { reason: 'frameTooLarge' }, type);
    await assert.rejects(looked('Application/GRPC-web+JSON', envelope(manyInJson)), {
      reason: 'frameTooLarge',
    });
    await assert.rejects(looked('APPLICATION/PROTO', sends(9_000)), { reason: 'frameTooLarge' });
  });

  it('has one message behind its prefix, whose bytes are limited, and is not compressed', async () => {
    const trailer = envelope(Buffer.from([0x0e]), 0x80);
    const cases: readonly (readonly [string, Buffer])[] = [
      ['malformedFrame', Buffer.concat([trailer, envelope(sends(9))])],
      ['malformedFrame', Buffer.concat([envelope(sends(1)), envelope(sends(9))])],
      ['malformedFrame', envelope(sends(9)).subarray(0, 10)],
      ['malformedFrame', envelope(sends(9)).subarray(0, 4)],
      ['malformedFrame', trailer],
      ['unsupportedFrame', envelope(sends(9), 1)],
      ['frameTooLarge', Buffer.concat([trailer, envelope(Buffer.alloc(maxBytes))])],
    ];
    for (const [reason, body] of cases)
      await assert.rejects(looked('application/grpc-web', body), { reason });
  });
});
