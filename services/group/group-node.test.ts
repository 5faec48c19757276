import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, it } from 'node:test';
import type { ConvId, UserId } from '../core/ids.ts';
import type { Logger } from '../core/log.ts';
import { connectDirect } from '../peer/direct-link.ts';
import type { GroupChange } from '../peer/edge-frames.ts';
import type { GroupDecisionFrame, GroupRequestFrame } from '../peer/group-frames.ts';
import type { Link } from '../peer/link.ts';
import { GroupNode } from './group-node.ts';

const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
const ann = 'ann' as UserId;

function ask(request: number, change: GroupChange): GroupRequestFrame {
  const facts = {
    group: undefined,
    memberCount: 0,
    knownCount: 0,
    roles: new Map<UserId, undefined>([[ann, undefined]]),
  };
  return { t: 'decide', request, groupId: 'g' as ConvId, actor: ann, change, facts };
}

/** A message node's end of a link to the node. */
function linked(node: GroupNode, limitBytes = 1_000_000) {
  const frames: GroupDecisionFrame[] = [];
  const downs: string[] = [];
  let link: Link<GroupRequestFrame> | undefined;
  connectDirect<GroupRequestFrame, GroupDecisionFrame>({
    a: (end) => {
      link = end;
      return { frames: (come) => frames.push(...come), down: (reason) => downs.push(reason) };
    },
    b: (end) => node.accept(end),
    limitBytes,
  });
  return { link: link!, frames, downs };
}

describe('GroupNode', () => {
  it('answers each question once, with the decision or the refusal, and counts', async () => {
    const node = new GroupNode({ log });
    const { link, frames } = linked(node);
    link.send(ask(1, { t: 'ensure' }), 1);
    link.send(ask(2, { t: 'leave' }), 1);
    link.send({ t: 'committed', groupId: 'g' as ConvId, seq: 1, version: 1 }, 1);
    await turn();
    assert.deepEqual(
      frames.map((frame) => [frame.t, frame.request]),
      [
        ['decided', 1],
        ['refused', 2],
      ],
    );
    const [, refused] = frames;
    assert.ok(refused?.t === 'refused');
    assert.deepEqual(refused.refusal, {
      reason: 'conversationNotFound',
      message: 'no such group',
      field: 'group_id',
      retryAfterMs: 0,
    });
    assert.deepEqual([...node.meters.decided], [['ensure', 1]]);
    assert.deepEqual([...node.meters.refused], [['conversationNotFound', 1]]);
    assert.equal(node.meters.committed, 1);
  });

  it('counts what a full link does not take', async () => {
    const node = new GroupNode({ log });
    const { link, frames } = linked(node, 100);
    link.send(ask(1, { t: 'ensure' }), 1);
    await turn();
    assert.deepEqual(frames, []);
    assert.equal(node.meters.unsent, 1);
  });

  it('answers a question that it trips over with an internal fault', async () => {
    const node = new GroupNode({ log });
    const { link, frames } = linked(node);
    const broken: GroupRequestFrame = {
      ...ask(7, { t: 'ensure' }),
      groupId: undefined as unknown as ConvId,
    } as GroupRequestFrame;
    link.send(broken, 1);
    await turn();
    const [refused] = frames;
    assert.ok(refused?.t === 'refused' && refused.request === 7);
    assert.equal(refused.refusal.reason, 'internal');
    assert.equal(refused.refusal.message, 'internal error');
  });

  it('ends its links when it stops, and those that come later', async () => {
    const node = new GroupNode({ log });
    const early = linked(node);
    assert.equal(node.meters.links, 1);
    await node.stop();
    const late = linked(node);
    await turn();
    assert.equal(early.downs.length, 1);
    assert.equal(late.downs.length, 1);
    assert.equal(node.meters.links, 0);
  });
});
