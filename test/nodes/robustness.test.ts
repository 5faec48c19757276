import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Role } from '../../gen/parley/chat/v1/entry_pb.ts';
import { GroupService } from '../../gen/parley/chat/v1/group_pb.ts';
import type { Logger } from '../../services/core/log.ts';
import { silentLogger } from '../../services/core/log.ts';
import { Nodes, say, sayTo } from '../helpers/nodes.ts';

function errorLog(): { readonly log: Logger; readonly errors: unknown[] } {
  const errors: unknown[] = [];
  const log: Logger = {
    ...silentLogger,
    error: (_message, _fields, error) => void errors.push(error),
    child: () => log,
  };
  return { log, errors };
}

describe('an error of one', () => {
  it('a client id is good for one command: again for that one, never for another', async () => {
    await using nodes = await Nodes.open();
    await nodes.createGroup('ada', 'g', ['bob', 'cyd'], { clientId: 'create' });
    const ada = await nodes.signIn('ada');
    await ada.asked(say('g', 'secret', 'said'), 'sent');
    const { renameGroup, addMembers, removeMember, setRole, leaveGroup } = GroupService.method;
    const changes = {
      rename: (clientId: string) => nodes.call(renameGroup, { groupId: 'g', name: 'G', clientId }, 'ada'),
      add: (clientId: string) => nodes.call(addMembers, { groupId: 'g', users: ['dan'], clientId }, 'ada'),
      remove: (clientId: string) =>
        nodes.call(removeMember, { groupId: 'g', userId: 'bob', clientId }, 'ada'),
      give: (clientId: string) =>
        nodes.call(setRole, { groupId: 'g', userId: 'cyd', role: Role.OWNER, clientId }, 'ada'),
      leave: (clientId: string) => nodes.call(leaveGroup, { groupId: 'g', clientId }, 'ada'),
    };
    const used = ['create', 'said'];
    for (const [name, change] of Object.entries(changes)) {
      // Leaving and removing are told by entries of one kind.
      for (const id of used)
        if (id !== 'remove' || name !== 'leave')
          await assert.rejects(change(id), { reason: 'clientIdReused' }, `${name} with ${id}`);
      const { seq } = await change(name);
      assert.equal((await change(name)).seq, seq, name);
      used.push(name);
    }
    assert.equal(
      (await nodes.createGroup('ada', 'g', ['bob', 'cyd'], { clientId: 'create' })).group?.groupId,
      'g',
    );
  });

  it('who makes a group again after leaving it is told which one it was', async () => {
    await using nodes = await Nodes.open();
    const { group } = await nodes.createGroup('ada', '', [], { clientId: 'once' });
    assert.ok(group?.groupId);
    await nodes.leave('ada', group.groupId);
    const again = await nodes.createGroup('ada', '', [], { clientId: 'once' });
    assert.equal(again.group?.groupId, group.groupId);
  });

  it('door costs its sessions a frame, not the node', async () => {
    const { log, errors } = errorLog();
    await using nodes = await Nodes.open({ edges: 2, log });
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob', { edge: 1 })];
    const { convId } = await bob.asked(sayTo('ada', 'one'), 'sent');
    await ada.delivered(convId, 1);
    const [edge] = nodes.edges;
    assert.ok(edge);
    edge.door.broken = new TypeError('this door is broken');
    await bob.asked(say(convId, 'two'), 'sent');
    await bob.delivered(convId, 2);
    ada.send({ case: 'ping', value: {} });
    await bob.barrier();
    edge.door.broken = undefined;
    await bob.asked(say(convId, 'three'), 'sent');
    await ada.delivered(convId, 3);
    assert.ok(
      errors.length > 0 && errors.every((error) => (error as Error).message === 'this door is broken'),
    );
  });

  it('store call that is no StoreError is answered as internal, logged, and costs nothing else', async () => {
    const { log, errors } = errorLog();
    await using nodes = await Nodes.open({ log });
    const ada = await nodes.signIn('ada');
    nodes.store.script.push({ t: 'bug' });
    const refusal = await ada.refusal(sayTo('bob', 'one', 'x'));
    assert.deepEqual(
      [refusal.reason, refusal.message],
      ['internal', 'internal error'],
      'nothing of the cause',
    );
    assert.ok(errors.some((error) => error instanceof TypeError));
    await ada.asked(sayTo('bob', 'one', 'x'), 'sent');
  });

  it('read of the store is answered as unavailable, and works again', async () => {
    await using nodes = await Nodes.open({ message: { recentBytes: 0 } });
    await nodes.createGroup('ada', 'g', ['bob']);
    const ada = await nodes.signIn('ada');
    const { msgId } = await ada.asked(say('g', 'one'), 'sent');
    const commands = {
      memberships: { case: 'sync', value: {} },
      locate: { case: 'get', value: { msgId } },
      load: { case: 'list', value: { convId: 'cold' } },
    } as const;
    for (const [kind, command] of Object.entries(commands)) {
      nodes.store.failReads(kind as keyof typeof commands, 1);
      assert.equal((await ada.refusal(command)).reason, 'storeUnavailable');
      const { event } = await ada.ask(command);
      assert.ok(event.case !== 'error' || event.value.reason === 'conversationNotFound');
    }
  });

  it('write of cursors loses none of them', async () => {
    await using nodes = await Nodes.open();
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
    const { convId } = await ada.asked(sayTo('bob', 'one'), 'sent');
    await bob.asked({ case: 'read', value: { convId, seq: 1n } }, 'pong');
    nodes.store.failingCursorWrites = 2;
    for (let flush = 0; flush < 3; flush += 1) await nodes.message.drain();
    const rows = nodes.store.cursorRows.map(({ userId, readSeq }) => [userId, readSeq]).sort();
    assert.deepEqual(rows, [
      ['ada', 1],
      ['bob', 1],
    ]);
  });
});

describe('group nodes', () => {
  it('that are gone stop no chat; changes of groups are refused with a retry until one is back', async () => {
    await using nodes = await Nodes.open();
    await nodes.createGroup('ada', 'g', ['bob']);
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
    nodes.unlinkGroups();
    await assert.rejects(nodes.kick('ada', 'g', 'bob'), { reason: 'groupsUnavailable' });
    await ada.asked(say('g', 'still here'), 'sent');
    await bob.delivered('g', 2);
    nodes.linkGroups();
    await nodes.kick('ada', 'g', 'bob');
    await bob.delivered('g', 3);
  });

  it('one that does not answer is waited for, but not for ever', async () => {
    await using nodes = await Nodes.open({ groups: false, message: { decideTimeoutMs: 100 } });
    const asked: unknown[] = [];
    nodes.message.connectGroup({ send: (frame) => (asked.push(frame), 'queued'), close: () => {} });
    await assert.rejects(nodes.createGroup('ada', 'g', []), { reason: 'groupsUnavailable' });
    assert.equal(asked.length, 1);
  });
});

describe('what nodes remember', () => {
  it('I6: does not grow with sessions and conversations that are gone', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    await using nodes = await Nodes.open({ message: { hotConversations: 100 } });
    const [edge] = nodes.edges;
    assert.ok(edge);
    await nodes.createGroup('ada', 'g', ['bob']);
    const ada = await nodes.signIn('ada');
    for (let round = 0; round < 30; round += 1) {
      const user = `user ${round}`;
      const session = await nodes.signIn(user);
      nodes.store.script.push({ t: 'unavailable' });
      await session.ask(sayTo('ada', 'refused'));
      const sends = Array.from({ length: 20 }, (_, at) => sayTo(`peer ${round} ${at}`, 'x'));
      for (const id of session.send(...sends)) await session.answer(id);
      await session.asked({ case: 'watch', value: { userIds: [user, 'ada'] } }, 'pong');
      await nodes.add('ada', 'g', [user]);
      await session.delivered('g', Number((await nodes.log('g')).at(-1)?.seq));
      await nodes.kick('ada', 'g', user);
      session.hangUp();
      t.mock.timers.tick(1_000);
      await ada.barrier();
    }
    for (let ticks = 0; ticks < 20; ticks += 1) {
      t.mock.timers.tick(1_000);
      await ada.barrier();
    }
    assert.ok(nodes.message.hotConversations <= 101, `${nodes.message.hotConversations} conversations`);
    assert.equal(edge.node.meters.active.get('test'), 1);
    assert.ok(edge.node.rooms <= 2, `${edge.node.rooms} rooms`);
    ada.hangUp();
    await (await nodes.signIn('last')).barrier();
    assert.equal(edge.node.rooms, 0);
  });
});
