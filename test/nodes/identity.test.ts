import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AdminService } from '../../gen/parley/chat/v1/admin_pb.ts';
import { MessageService } from '../../gen/parley/chat/v1/message_pb.ts';
import { GroupService } from '../../gen/parley/chat/v1/group_pb.ts';
import { Nodes, sayTo } from '../helpers/nodes.ts';

const { send } = MessageService.method;
const toCyd = (clientId: string) =>
  ({
    send: { target: { case: 'to', value: 'cyd' }, clientId, body: { content: { case: 'text', value: 'x' } } },
  }) as const;

describe('I7: identity comes from the session', () => {
  it('I7: a session is who its token says, whatever name its hello gives', async () => {
    await using nodes = await Nodes.open({ mode: 'production' });
    const { token } = await nodes.tokens.issueUser('ada', 60);
    const ada = await nodes.signIn('ada', { token });
    const cyd = await nodes.signIn('', { token: (await nodes.tokens.issueUser('cyd', 60)).token });
    const { convId } = await ada.asked(sayTo('cyd', 'from ada'), 'sent');
    assert.equal((await cyd.delivered(convId, 1)).sender, 'ada');
    const forged = nodes.connect();
    forged.send({ case: 'hello', value: { protocolVersion: 1, deviceId: 'd', userId: 'bob', token } });
    assert.deepEqual(await forged.end(), { code: 4401, reason: 'tokenInvalid' });
    const bare = nodes.connect();
    bare.send({ case: 'hello', value: { protocolVersion: 1, deviceId: 'd', userId: 'bob' } });
    assert.equal((await bare.end()).reason, 'developmentOnly');
  });

  it('I7: a call is by whom its token names; another name needs a service that may act for others', async () => {
    await using nodes = await Nodes.open({ mode: 'production' });
    const ada = (await nodes.tokens.issueUser('ada', 60)).token;
    const desk = (await nodes.tokens.issueService('desk', ['act', 'send'], 60)).token;
    const mute = (await nodes.tokens.issueService('mute', [], 60)).token;
    const senders: string[] = [];
    const sendAs = async (bearer: string, user: string | undefined, clientId: string) => {
      const { sent } = await nodes.call(send, toCyd(clientId), user, { bearer });
      const log = await nodes.log(sent?.convId ?? '');
      senders.push(log.at(-1)?.sender ?? '');
    };
    await sendAs(ada, undefined, 'a');
    await sendAs(ada, 'ada', 'b');
    await sendAs(desk, 'bob', 'c');
    await sendAs(desk, undefined, 'd');
    assert.deepEqual(senders, ['ada', 'ada', 'bob', 'desk']);
    await assert.rejects(sendAs(ada, 'bob', 'e'), { reason: 'scopeMissing' });
    await assert.rejects(sendAs(mute, undefined, 'f'), { reason: 'scopeMissing' });
    await assert.rejects(sendAs(mute, 'bob', 'g'), { reason: 'scopeMissing' });
  });

  it('who tries tokens on the administration waits for the next word; a good one passes meanwhile', async () => {
    await using nodes = await Nodes.open({ mode: 'production' });
    const { listSessions } = AdminService.method;
    const guess = () => nodes.call(listSessions, { userId: 'ada' }, undefined, { bearer: 'a guess' });
    for (let tries = 0; tries < 11; tries += 1) await assert.rejects(guess(), { reason: 'tokenInvalid' });
    await assert.rejects(guess(), { reason: 'rateLimited' });
    const { token } = await nodes.tokens.issueService('ops', ['admin'], 60);
    const { sessions } = await nodes.call(listSessions, { userId: 'ada' }, undefined, { bearer: token });
    assert.deepEqual(sessions, []);
    // Whose token is good, but not for this, tries nothing.
    const ada = (await nodes.tokens.issueUser('ada', 60)).token;
    await assert.rejects(nodes.call(listSessions, { userId: 'ada' }, undefined, { bearer: ada }), {
      reason: 'scopeMissing',
    });
  });

  it('I7: changes of groups are by the caller, and what a user may not do a named member can’t do for them', async () => {
    await using nodes = await Nodes.open();
    await nodes.createGroup('ada', 'g', ['bob', 'cyd']);
    await assert.rejects(nodes.kick('bob', 'g', 'cyd'), { reason: 'notAllowed' });
    await nodes.kick('ada', 'g', 'cyd');
    const [, removal] = await nodes.log('g');
    assert.equal(removal?.sender, 'ada');
    const { members } = await nodes.call(GroupService.method.listMembers, { groupId: 'g' }, 'bob');
    assert.deepEqual(
      members.map(({ userId }) => userId),
      ['ada', 'bob'],
    );
    await assert.rejects(nodes.call(GroupService.method.listMembers, { groupId: 'g' }, 'cyd'), {
      reason: 'notMember',
    });
  });

  it('I7: a client id is the sender’s own: the same one of another is another message', async () => {
    await using nodes = await Nodes.open();
    const [ada, bob] = [await nodes.signIn('ada'), await nodes.signIn('bob')];
    const sent = await ada.asked(sayTo('bob', 'one', 'x'), 'sent');
    const other = await bob.asked(sayTo('ada', 'two', 'x'), 'sent');
    assert.deepEqual([sent.seq, other.seq, other.duplicate], [1n, 2n, false]);
  });

  it('I7: nobody learns of entries that are not theirs by their ids', async () => {
    await using nodes = await Nodes.open();
    const [ada, eve] = [await nodes.signIn('ada'), await nodes.signIn('eve')];
    const { msgId, convId } = await ada.asked(sayTo('bob', 'private'), 'sent');
    for (const value of [{ msgId }, { msgId: 12_345n }])
      assert.equal((await eve.refusal({ case: 'get', value })).reason, 'entryNotFound');
    assert.equal((await eve.refusal({ case: 'list', value: { convId } })).reason, 'conversationNotFound');
    const got = await ada.asked({ case: 'get', value: { msgId } }, 'entries');
    assert.equal(got.entries[0]?.msgId, msgId);
  });
});
