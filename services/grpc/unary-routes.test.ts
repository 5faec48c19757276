import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Metadata, status } from '@grpc/grpc-js';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GetGroupRequestSchema, GetGroupResponseSchema } from '../../gen/parley/chat/v1/group_pb.ts';
import { AllocateIdsRequestSchema, AllocateIdsResponseSchema } from '../../gen/parley/chat/v1/id_pb.ts';
import type { CallContext } from '../core/door.ts';
import { Fault } from '../core/fault.ts';
import { createLogger } from '../core/log.ts';
import { chatServices } from './chat-services.ts';
import { callBytes, errorOf, openDoor } from './door-fixture.ts';

const path = '/parley.chat.v1.IdService/AllocateIds';
const request = toBinary(AllocateIdsRequestSchema, create(AllocateIdsRequestSchema, { count: 3 }));

test('a call reaches the host by its name, decoded, with its caller', async () => {
  const calls: [string, unknown, CallContext][] = [];
  await using fixture = await openDoor({
    answer: (...call) => {
      calls.push(call);
      return create(AllocateIdsResponseSchema, { ids: [1n, 2n, 3n] });
    },
  });
  const metadata = new Metadata();
  metadata.set('authorization', 'Bearer abc.def');
  metadata.set('parley-user', 'J%C3%BCrgen');
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  metadata.set('traceparent', traceparent);
  const { response } = await callBytes(fixture.client(), path, request, metadata);
  assert.ok(response);
  assert.deepEqual(fromBinary(AllocateIdsResponseSchema, response).ids, [1n, 2n, 3n]);
  assert.deepEqual(calls, [
    [
      'parley.chat.v1.IdService/AllocateIds',
      create(AllocateIdsRequestSchema, { count: 3 }),
      { bearer: 'abc.def', user: 'Jürgen', remoteAddress: '127.0.0.1', traceparent },
    ],
  ]);
});

test('every unary method of the contract is served', async () => {
  const served: string[] = [];
  await using fixture = await openDoor({
    answer: (rpc) => {
      served.push(rpc);
      throw new Fault('tokenMissing');
    },
  });
  const client = fixture.client();
  const expected = chatServices.flatMap((service) =>
    service.methods.filter((m) => m.methodKind === 'unary').map((m) => `${service.typeName}/${m.name}`),
  );
  for (const rpc of expected) {
    const { failure } = await callBytes(client, `/${rpc}`, new Uint8Array());
    assert.equal(failure?.code, status.UNAUTHENTICATED, rpc);
  }
  assert.ok(expected.length >= 20);
  assert.deepEqual(served, expected);
});

test('faults keep their code, reason and field; everything else is internal and stays in the log', async () => {
  const lines: string[] = [];
  const thrown: unknown[] = [
    new Fault('invalidField', { message: 'too \ud800 long', field: 'send.body.text', retryAfterMs: 5 }),
    new Error('password=1234'),
  ];
  await using fixture = await openDoor({
    log: createLogger({ level: 'error', format: 'json' }, { write: (line) => void lines.push(line) }),
    answer: () => {
      throw thrown.shift();
    },
  });
  const client = fixture.client();
  const first = await callBytes(client, path, request);
  assert.equal(first.failure?.code, status.INVALID_ARGUMENT);
  const error = errorOf(first.failure.metadata);
  assert.equal(error?.reason, 'invalidField');
  assert.equal(error?.field, 'send.body.text');
  assert.equal(error?.retryAfterMs, 5);
  assert.equal(lines.length, 0);

  const second = await callBytes(client, path, request);
  assert.equal(second.failure?.code, status.INTERNAL);
  assert.doesNotMatch(JSON.stringify(second.failure), /1234/);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /"parley.rpc":"parley.chat.v1.IdService\/AllocateIds".*password/);
});

test('bytes that are no request are the caller’s fault', async () => {
  await using fixture = await openDoor({ answer: () => create(GetGroupResponseSchema) });
  const client = fixture.client();
  const whole = toBinary(GetGroupRequestSchema, create(GetGroupRequestSchema, { groupId: 'lobby' }));
  const getGroup = '/parley.chat.v1.GroupService/GetGroup';
  assert.ok((await callBytes(client, getGroup, whole)).response);
  // Cut short, a varint without end, a wrong wire type, text that is not UTF-8.
  for (const bad of [whole.subarray(0, 4), [0x08, ...Array(11).fill(0xff)], [0x0f], [0x0a, 2, 0xc3, 0x28]]) {
    const { failure } = await callBytes(client, getGroup, Uint8Array.from(bad));
    assert.equal(failure?.code, status.INVALID_ARGUMENT, `${bad}`);
    assert.equal(errorOf(failure.metadata)?.reason, 'malformedFrame');
  }
});
