import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { BridgeFrameSchema } from '../../gen/parley/node/v1/bridge_pb.ts';
import type { DoorInlet } from '../core/door.ts';
import { AttachedBridge } from './attached-bridge.ts';

type FrameInit = NonNullable<MessageInitShape<typeof BridgeFrameSchema>['frame']>;

function attached() {
  const calls: string[] = [];
  const inlet: DoorInlet = {
    open: (session, info) => calls.push(`open ${session} ${info.transport} ${info.remoteAddress}`),
    data: (session, frame) => calls.push(`data ${session} ${Buffer.from(frame).toString()}`),
    closed: (session) => calls.push(`closed ${session}`),
    paused: (session) => calls.push(`paused ${session}`),
    resumed: (session) => calls.push(`resumed ${session}`),
    detach: () => calls.push('detach'),
  };
  const bridge = new AttachedBridge({ attach: () => inlet });
  const take = (...frames: FrameInit[]) => {
    for (const frame of frames) bridge.take(create(BridgeFrameSchema, { frame }));
    return calls.splice(0);
  };
  return { bridge, calls, take };
}

const open = (session: number): FrameInit => ({
  case: 'open',
  value: { session, remoteAddress: '10.0.0.1', transport: 'ws-json' },
});
const data = (session: number, text: string): FrameInit => ({
  case: 'data',
  value: { session, data: Buffer.from(text) },
});
const mebibyte = new Uint8Array(1024 * 1024);

test('frames become calls; those of sessions that are not open are passed over', () => {
  const { take } = attached();
  assert.deepEqual(
    take(open(1), data(1, 'a'), data(2, 'b'), { case: 'closed', value: { session: 1 } }, data(1, 'c')),
    ['open 1 ws-json 10.0.0.1', 'data 1 a', 'closed 1'],
  );
  assert.deepEqual(take({ case: undefined }), []);
});

test('a session that the node closes is behind it: the bridge never says that it is closed', () => {
  const { bridge, calls, take } = attached();
  take(open(1), open(2));
  bridge.close(1, 4408, 'silent');
  assert.deepEqual(calls.splice(0), ['closed 1']);
  assert.deepEqual(take(data(1, 'a'), data(2, 'b')), ['data 2 b']);
});

test('what a bridge may not say', () => {
  const { take } = attached();
  take(open(1));
  assert.throws(() => take(open(1)), { reason: 'malformedFrame' });
  assert.throws(() => take({ case: 'hello', value: {} }), { reason: 'malformedFrame' });
});

test('a stream that is not read pauses every session, and resumes those that are not slow themselves', async () => {
  const { bridge, calls, take } = attached();
  take(open(1), open(2), { case: 'paused', value: { session: 2 } });
  for (let i = 0; i < 9; i += 1) bridge.deliver([1, 2], mebibyte);
  assert.deepEqual(calls.splice(0), ['paused 1']);
  assert.deepEqual(take(open(3)), ['open 3 ws-json 10.0.0.1', 'paused 3']);
  assert.deepEqual(
    take({ case: 'paused', value: { session: 1 } }, { case: 'resumed', value: { session: 2 } }),
    [],
  );
  let delivered = 0;
  for await (const batch of bridge.batches()) {
    delivered += batch.length;
    if (delivered === 9) break;
  }
  assert.deepEqual(calls, ['resumed 2', 'resumed 3']);
});

test('a stream that is not read at all is given up', async () => {
  const { bridge, calls, take } = attached();
  take(open(1));
  for (let i = 0; i < 70; i += 1) bridge.deliver([1], mebibyte);
  assert.deepEqual(calls, ['paused 1', 'detach']);
  let batches = 0;
  for await (const _ of bridge.batches()) batches += 1;
  assert.ok(batches > 0);
  bridge.detach();
  assert.equal(calls.filter((call) => call === 'detach').length, 1);
});

test('lists of sessions are copied: the node may use them again', async () => {
  const { bridge } = attached();
  const sessions = [1, 2];
  bridge.deliver(sessions, Buffer.from('x'));
  sessions.length = 0;
  const { value } = await bridge.batches().next();
  const frame = value?.[0]?.frame;
  assert.ok(frame?.case === 'deliver');
  assert.deepEqual(frame.value.sessions, [1, 2]);
});
