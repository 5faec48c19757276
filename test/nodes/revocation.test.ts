import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AdminService } from '../../gen/parley/chat/v1/admin_pb.ts';
import { GroupService } from '../../gen/parley/chat/v1/group_pb.ts';
import { PresenceService } from '../../gen/parley/chat/v1/presence_pb.ts';
import { DirectoryError } from '../../services/ports/directory.ts';
import { until } from '../e2e/support/until.ts';
import { Nodes, say } from '../helpers/nodes.ts';

const { revokeTokens } = AdminService.method;
const { isOnline } = PresenceService.method;
const production = { mode: 'production' } as const;

async function desk(nodes: Nodes, scopes: readonly ('tokens' | 'act')[] = ['tokens']): Promise<string> {
  return (await nodes.tokens.issueService('desk', scopes, 600)).token;
}

/** Tokens count whole seconds: from here on, one that is issued is newer than what was revoked before. */
function nextSecond(nodes: Nodes): void {
  nodes.clock.advance(1_000);
}

describe('revoked tokens', () => {
  it('end live sessions on every node, and open no new ones', async () => {
    await using nodes = await Nodes.open({ ...production, edges: 2 });
    const { token } = await nodes.tokens.issueUser('ada', 600);
    const bob = await nodes.signIn('', { token: (await nodes.tokens.issueUser('bob', 600)).token });
    const phone = await nodes.signIn('', { token, deviceId: 'phone' });
    const tablet = await nodes.signIn('', { token, deviceId: 'tablet', edge: 1 });
    await nodes.call(revokeTokens, { userId: 'ada' }, undefined, { bearer: await desk(nodes) });
    assert.deepEqual(await phone.end(), { code: 4401, reason: 'tokenRevoked' });
    assert.deepEqual(await tablet.end(), { code: 4401, reason: 'tokenRevoked' });
    assert.equal(phone.of('kicked')[0]?.reconnect, false);
    const again = nodes.connect();
    again.send({ case: 'hello', value: { protocolVersion: 1, deviceId: 'new', token } });
    assert.deepEqual(await again.end(), { code: 4401, reason: 'tokenRevoked' });
    await bob.barrier();
    assert.equal(bob.closed, undefined);
  });

  it('are refused for calls, too; a token issued later is good', async () => {
    await using nodes = await Nodes.open(production);
    const call = (bearer: string) =>
      nodes.call(GroupService.method.createGroup, { name: 'g', clientId: 'c' }, undefined, { bearer });
    const old = (await nodes.tokens.issueUser('ada', 600)).token;
    await call(old);
    await nodes.call(revokeTokens, { userId: 'ada' }, undefined, { bearer: await desk(nodes) });
    await assert.rejects(call(old), { reason: 'tokenRevoked' });
    nextSecond(nodes);
    const fresh = (await nodes.tokens.issueUser('ada', 600)).token;
    await call(fresh);
    await nodes.signIn('', { token: fresh });
  });

  it('of one device leave the others alone', async () => {
    await using nodes = await Nodes.open(production);
    const { token } = await nodes.tokens.issueUser('ada', 600);
    const phone = await nodes.signIn('', { token, deviceId: 'phone' });
    const tablet = await nodes.signIn('', { token, deviceId: 'tablet' });
    const bearer = await desk(nodes);
    await nodes.call(revokeTokens, { userId: 'ada', deviceId: 'phone' }, undefined, { bearer });
    assert.equal((await phone.end()).reason, 'tokenRevoked');
    await tablet.barrier();
    const again = nodes.connect();
    again.send({ case: 'hello', value: { protocolVersion: 1, deviceId: 'phone', token } });
    assert.equal((await again.end()).reason, 'tokenRevoked');
    await nodes.signIn('', { token, deviceId: 'laptop' });
  });

  it('a session that has a newer token stays, and one can’t be renewed with a revoked one', async () => {
    await using nodes = await Nodes.open(production);
    const old = (await nodes.tokens.issueUser('ada', 600)).token;
    const session = await nodes.signIn('', { token: old });
    nextSecond(nodes);
    const fresh = (await nodes.tokens.issueUser('ada', 600)).token;
    await session.ask({ case: 'auth', value: { token: fresh } });
    const { issuedAtMs } = await nodes.tokens.verify(fresh);
    const times = { issuedUntilMs: issuedAtMs - 1, endsAtMs: issuedAtMs + 600_000 };
    await nodes.directory.revocations.revoke({ userId: 'ada' as never, deviceId: '', ...times });
    assert.equal((await session.refusal({ case: 'auth', value: { token: old } })).reason, 'tokenRevoked');
    await session.barrier();
    assert.equal(session.closed, undefined);
  });

  it('also those of a name without a token, in development', async () => {
    await using nodes = await Nodes.open();
    const ada = await nodes.signIn('ada');
    await nodes.call(revokeTokens, { userId: 'ada' }, undefined, { bearer: await desk(nodes) });
    assert.equal((await ada.end()).reason, 'tokenRevoked');
    const again = nodes.connect();
    again.send({ case: 'hello', value: { protocolVersion: 1, deviceId: 'd', userId: 'ada' } });
    assert.equal((await again.end()).reason, 'tokenRevoked');
  });

  it('are revoked by services that may, for a time that makes sense', async () => {
    await using nodes = await Nodes.open(production);
    const ask = (request: object, bearer: string) =>
      nodes.call(revokeTokens, { userId: 'ada', ...request }, undefined, { bearer });
    const user = (await nodes.tokens.issueUser('ada', 600)).token;
    await assert.rejects(ask({}, user), { reason: 'scopeMissing' });
    await assert.rejects(ask({}, await desk(nodes, ['act'])), { reason: 'scopeMissing' });
    const bearer = await desk(nodes);
    await assert.rejects(ask({ userId: '' }, bearer), { reason: 'invalidId', field: 'user_id' });
    await assert.rejects(ask({ deviceId: 'x'.repeat(200) }, bearer), { field: 'device_id' });
    for (const endsAtMs of [1n, -1n, 2n ** 62n]) {
      await assert.rejects(ask({ endsAtMs }, bearer), { reason: 'invalidField', field: 'ends_at_ms' });
    }
    const until = BigInt(Math.floor(nodes.clock.wallMs()) + 60_000);
    assert.equal((await ask({ endsAtMs: until }, bearer)).endsAtMs, until);
    assert.deepEqual((await nodes.directory.revocations.of('ada' as never)).length, 1);
  });

  it('I7: a session is pushed nothing, and stays in no room, while the directory is asked about it', async () => {
    await using nodes = await Nodes.open();
    await nodes.createGroup('ada', 'g', ['bob']);
    const tablet = await nodes.signIn('ada', { deviceId: 'tablet' });
    const { revocations } = nodes.directory;
    const of = revocations.of.bind(revocations);
    const asked = Promise.withResolvers<void>();
    const answers = Promise.withResolvers<void>();
    revocations.of = async (userId) => {
      asked.resolve();
      await answers.promise;
      return of(userId);
    };
    const phone = nodes.connect();
    phone.send({ case: 'hello', value: { protocolVersion: 1, deviceId: 'phone', userId: 'ada' } });
    await asked.promise;
    // The first entry since the node knows of the conversation: its owner tells who hears of it.
    await tablet.asked(say('g', 'not for everybody'), 'sent');
    await tablet.delivered('g', 2);
    assert.deepEqual(phone.told(), []);
    const nowMs = nodes.clock.wallMs();
    const times = { issuedUntilMs: nowMs, endsAtMs: nowMs + 600_000 };
    await revocations.revoke({ userId: 'ada' as never, deviceId: 'phone', ...times });
    assert.equal((await phone.end()).reason, 'tokenRevoked');
    answers.resolve();
    assert.deepEqual(phone.told(), ['error', 'kicked']);
    tablet.hangUp();
    const [edge] = nodes.edges;
    await until(
      () => edge?.node.rooms === 0,
      () => `${edge?.node.rooms} rooms are left`,
    );
  });

  it('a session whose directory answers late does not slip through', async () => {
    await using nodes = await Nodes.open(production);
    const { token } = await nodes.tokens.issueUser('ada', 600);
    const { revocations } = nodes.directory;
    const of = revocations.of.bind(revocations);
    const nowMs = nodes.clock.wallMs();
    // The answer is from before the revocation; the session hears of both at once.
    revocations.of = async (userId) => {
      const before = await of(userId);
      const times = { issuedUntilMs: nowMs, endsAtMs: nowMs + 600_000 };
      await revocations.revoke({ userId, deviceId: '', ...times });
      return before;
    };
    const session = nodes.connect();
    session.send({ case: 'hello', value: { protocolVersion: 1, deviceId: 'd', token } });
    assert.deepEqual(await session.end(), { code: 4401, reason: 'tokenRevoked' });
  });
});

describe('without a directory', () => {
  it('sign-ins and calls pass, counted; what is asked of it says so', async () => {
    await using nodes = await Nodes.open(production);
    const away = () => Promise.reject(new DirectoryError('unavailable', 'the directory is out of reach'));
    nodes.directory.revocations.of = away;
    nodes.directory.revocations.revoke = away;
    nodes.directory.sessions.count = away;
    const { token } = await nodes.tokens.issueUser('ada', 600);
    await nodes.signIn('', { token });
    const { meters } = nodes.edges[0]!.node;
    assert.equal(meters.revocationsUnchecked, 1);
    const bearer = await desk(nodes);
    const revoke = nodes.call(revokeTokens, { userId: 'ada' }, undefined, { bearer });
    await assert.rejects(revoke, { reason: 'directoryUnavailable' });
    const online = nodes.call(isOnline, { userIds: ['ada'] }, undefined, { bearer });
    await assert.rejects(online, { reason: 'directoryUnavailable' });
  });
});

describe('who is online', () => {
  it('is told to services, from the directory', async () => {
    await using nodes = await Nodes.open({ ...production, edges: 2 });
    const bearer = await desk(nodes, []);
    const ask = async () => {
      const { users } = await nodes.call(isOnline, { userIds: ['bob', 'ada'] }, undefined, { bearer });
      return users.map(({ userId, online, sessions }) => `${userId} ${online} ${sessions}`);
    };
    assert.deepEqual(await ask(), ['bob false 0', 'ada false 0']);
    const { token } = await nodes.tokens.issueUser('ada', 600);
    const phone = await nodes.signIn('', { token, deviceId: 'phone' });
    await nodes.signIn('', { token, deviceId: 'tablet', edge: 1 });
    let told: string[] = [];
    const come = async (expected: string) => {
      const there = async () => {
        told = await ask();
        return told[1] === expected;
      };
      await until(there, () => told.join(', '));
    };
    await come('ada true 2');
    phone.hangUp();
    await come('ada true 1');
    assert.equal(told[0], 'bob false 0');
  });

  it('is not told to users, nor of too many at once', async () => {
    await using nodes = await Nodes.open(production);
    const user = (await nodes.tokens.issueUser('ada', 600)).token;
    const ask = (userIds: string[], bearer: string) =>
      nodes.call(isOnline, { userIds }, undefined, { bearer });
    await assert.rejects(ask(['ada'], user), { reason: 'scopeMissing' });
    const bearer = await desk(nodes, []);
    await assert.rejects(ask([], bearer), { reason: 'invalidField' });
    await assert.rejects(ask(['\n'], bearer), { reason: 'invalidId', field: 'user_ids[0]' });
    await assert.rejects(ask(Array(501).fill('ada'), bearer), { field: 'user_ids' });
  });
});

describe('sign-ins from one address', () => {
  const hello = { case: 'hello', value: { protocolVersion: 1, deviceId: 'd', userId: 'ada' } } as const;

  it('are limited, over all nodes, other addresses apart', async () => {
    await using nodes = await Nodes.open({ edges: 2, connection: { signInRate: 0.001, signInBurst: 3 } });
    const from = (remoteAddress: string, edge: number) => {
      const session = nodes.edges[edge]!.door.open({ remoteAddress });
      session.send(hello);
      return session;
    };
    for (let i = 0; i < 3; i++) {
      await from('192.0.2.7', i % 2).until(({ event }) => event.case === 'welcome');
    }
    const late = from('::ffff:192.0.2.7', 1);
    assert.deepEqual(await late.end(), { code: 4529, reason: 'rateLimited' });
    const retryAfterMs = Number(late.of('error')[0]?.retryAfterMs);
    assert.ok(retryAfterMs > 900_000 && retryAfterMs <= 1_000_000, `${retryAfterMs}`);
    await from('192.0.2.8', 1).until(({ event }) => event.case === 'welcome');
    for (let i = 0; i < 5; i++) {
      await from('127.0.0.1', 0).until(({ event }) => event.case === 'welcome');
    }
  });
});
