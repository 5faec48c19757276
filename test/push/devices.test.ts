import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FcmPush } from '../../services/push/testing/fcm-service.ts';
import { WebPushService } from '../../services/push/testing/web-push-service.ts';
import { Relay } from '../../services/push/testing/relay.ts';
import { JsonUser } from '../e2e/support/json-user.ts';
import { parley, ServerProcess } from '../e2e/support/server-process.ts';
import { until } from '../e2e/support/until.ts';
import { TestServer } from '../helpers/server.ts';
import { Metrics } from '../input/support/metrics.ts';
import { Phones } from './phones.ts';
import { rest } from './support.ts';

const group = 'g';

async function register(http: number, phones: Phones, user: string, id = 'phone'): Promise<void> {
  await rest(http, user, 'PUT', `/devices/${id}`, phones.phone(`${user}-${id}`));
}

function say(http: number, content: string, user = 'ann'): Promise<Record<string, unknown>> {
  return rest(http, user, 'POST', '/messages/send', { conv_id: group, content });
}

function begin(http: number, ...members: readonly string[]): Promise<Record<string, unknown>> {
  return rest(http, 'ann', 'POST', '/groups', { group_id: group, name: 'Garden', members });
}

describe('pushes to devices by a whole server', () => {
  it('go to those who are not there, and to half-open sessions; to nobody who acknowledges, is silent or spoke', async () => {
    await using phones = await Phones.open();
    await using server = await TestServer.start(phones.env);
    const { http, ws } = server.ports;
    const users = ['bob', 'cyd', 'dan', 'eve', 'fay', 'gil', 'hal'];
    await begin(http, ...users);
    for (const user of ['ann', ...users]) await register(http, phones, user);
    await register(http, phones, 'dan', 'tablet');
    // Bob is away. Cyd is there. Dan's phone is in a tunnel and his tablet is there. Eve is there and reads nothing.
    await using relay = await Relay.to(ws);
    await using cyd = await JsonUser.signIn('cyd', ws, 'phone');
    await using _tunnel = await JsonUser.signIn('dan', relay.port, 'phone');
    await using dan = await JsonUser.signIn('dan', ws, 'tablet');
    await using _eve = await JsonUser.signIn('eve', ws, 'phone');
    relay.freeze();
    const quiet_hours = { from: '00:00', to: '00:00', time_zone: 'Asia/Tokyo' };
    await rest(http, 'fay', 'PUT', '/push/settings', { quiet_hours });
    await rest(http, 'gil', 'PUT', `/conversations/${group}/silence`, { until: 9_000_000_000 });
    await rest(http, 'hal', 'PUT', '/push/settings', { silenced_until: 9_000_000_000 });
    const { seq } = await say(http, 'hush');
    const acknowledging = [cyd, dan].map(async (user) => {
      await until(
        () => user.heard(group).length === 1,
        () => `${user.name} heard nothing`,
      );
      user.acknowledge(group);
    });
    await Promise.all(acknowledging);
    const expected = ['bob-phone', 'dan-phone', 'eve-phone'].map((token) => `${token} ${group} ${seq}`);
    await until(
      () => new Set(phones.taken).size >= expected.length,
      () => `pushed: ${phones.taken}`,
    );
    // What was to come has come when what is said later has.
    await say(http, 'hush too');
    await until(
      () => phones.last('eve-phone', group) === Number(seq) + 1,
      () => `pushed: ${phones.taken}`,
    );
    const first = phones.taken.filter((line) => line.endsWith(` ${seq}`));
    assert.deepEqual(first.toSorted(), expected);
    assert.deepEqual(
      phones.taken.filter((line) => /^(?:ann|fay|gil|hal)-/.test(line)),
      [],
    );
    assert.doesNotMatch(JSON.stringify(phones.google.taken), /hush|Garden/);
    assert.equal(phones.pushesTo('bob-phone')[0]?.data['badge'], '1');
  });

  it('are one for an interval, with the badge of all conversations, and what was said where that is wanted', async () => {
    await using phones = await Phones.open();
    const env = { ...phones.env, PARLEY_PUSH_CONTENT: 'shown', PARLEY_PUSH_INTERVAL_MS: '3000' };
    await using server = await TestServer.start(env);
    const { http } = server.ports;
    await begin(http, 'bob');
    await register(http, phones, 'bob');
    await rest(http, 'cyd', 'POST', '/messages/send', { to: 'bob', content: 'direct words' });
    for (let no = 1; no <= 5; no += 1) await say(http, `words ${no}`);
    await until(
      () => phones.last('bob-phone', group) === 6,
      () => `pushed: ${phones.taken}`,
    );
    const ofGroup = phones.pushesTo('bob-phone').filter(({ data }) => data['conv_id'] === group);
    assert.ok(ofGroup.length <= 2, 'the five messages are of two intervals at most');
    const newest = ofGroup.at(-1);
    assert.match(JSON.stringify(newest), /ann: words 5/);
    assert.match(JSON.stringify(newest), /Garden/);
    assert.equal(newest?.data['badge'], '6');
    await until(
      () => JSON.stringify(phones.pushesTo('bob-phone')).includes('direct words'),
      () => `pushed: ${phones.taken}`,
    );
  });

  it('reach browsers, encrypted for each, and forget those that have unsubscribed', async () => {
    await using phones = await Phones.open();
    await using browsers = await new WebPushService().listen();
    await using server = await TestServer.start(phones.env);
    const { http } = server.ports;
    await begin(http, 'bob');
    const { web_push_key } = await rest(http, 'bob', 'GET', '/push');
    const { t: provider, ...target } = browsers.subscribe(web_push_key as string);
    const device = { platform: 'web', name: 'A browser', target: { provider, ...target } };
    await rest(http, 'bob', 'PUT', '/devices/browser', device);
    await say(http, 'hello');
    await browsers.until(() => browsers.taken.length === 1);
    const [first] = browsers.taken;
    assert.deepEqual(first?.payload['data'], {
      kind: 'message',
      conv_id: group,
      seq: '2',
      conversation: 'group',
    });
    browsers.unsubscribe({ t: 'webpush', ...target });
    await say(http, 'still there?');
    await until(
      async () => ((await rest(http, 'bob', 'GET', '/devices'))['devices'] as unknown[]).length === 0,
      () => 'the device is still there',
    );
  });

  it('go to the one who named a target last, and to nobody whose tokens were revoked', async () => {
    await using phones = await Phones.open();
    await using server = await TestServer.start(phones.env);
    const { http } = server.ports;
    await begin(http, 'bob', 'cyd', 'dan');
    const shared = phones.phone('shared');
    await rest(http, 'bob', 'PUT', '/devices/browser', shared);
    await rest(http, 'cyd', 'PUT', '/devices/another', shared);
    assert.deepEqual((await rest(http, 'bob', 'GET', '/devices'))['devices'], []);
    await register(http, phones, 'dan');
    const token = await parley(['token', '--service', 'desk', '--scope', 'tokens'], {
      PARLEY_MODE: 'development',
      PARLEY_DATA_DIR: server.directory,
    });
    const revoked = await fetch(`http://127.0.0.1:${http}/api/v1/tokens/revoke`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token.trim()}`, 'content-type': 'application/json' },
      body: JSON.stringify({ user_id: 'dan' }),
    });
    assert.equal(revoked.status, 200);
    assert.deepEqual((await rest(http, 'dan', 'GET', '/devices'))['devices'], []);
    const { seq } = await say(http, 'who hears?');
    await until(
      () => phones.last('shared', group) === seq,
      () => `pushed: ${phones.taken}`,
    );
    assert.deepEqual(new Set(phones.taken), new Set([`shared ${group} ${seq}`]));
  });

  it('that a provider fails, hangs on or lies about are tried again with the same id, then kept to be sent again', async () => {
    await using phones = await Phones.open();
    const env = { ...phones.env, PARLEY_PUSH_ATTEMPTS: '3', PARLEY_PUSH_TIMEOUT_MS: '1500' };
    await using server = await ServerProcess.start({ env });
    const { http, metrics } = server.ports;
    await begin(http, 'bob', 'cyd');
    for (const user of ['bob', 'cyd']) await register(http, phones, user);
    let mood: 'fails' | 'hangs' | 'lies' | 'well' = 'fails';
    phones.google.behave = ({ path, body }) => {
      if (path === '/token' || mood === 'well' || !body.includes('bob-phone')) return undefined;
      if (mood === 'hangs') return 'hang';
      // Somebody on the way says that the phone is gone, and has never heard of phones.
      return mood === 'fails' ? { status: 503 } : { status: 404, body: '<html>no such page</html>' };
    };
    const attempts = () => phones.google.requests.filter(({ body }) => body.includes('bob-phone'));
    await say(http, 'hush');
    await until(
      () => attempts().length === 1,
      () => 'there was no attempt',
    );
    mood = 'hangs';
    await until(
      async () => (await deadLettered(metrics)) === 1,
      () => 'there is no dead letter',
    );
    assert.equal(phones.last('cyd-phone', group), 2, 'who is well is told meanwhile');
    assert.equal(attempts().length, 3);
    await server.stop();
    const own = { ...env, PARLEY_MODE: 'development', PARLEY_DATA_DIR: server.dataDir };
    const listed = await parley(['dead-letters', 'list'], own);
    assert.match(listed, /push\.fcm.*\tg\t2\t3 attempts/);
    assert.doesNotMatch(listed, /hush|bob-phone/);
    mood = 'lies';
    await assert.rejects(parley(['dead-letters', 'replay'], own), ({ stdout }: { stdout: string }) =>
      stdout.includes('404'),
    );
    mood = 'well';
    assert.match(await parley(['dead-letters', 'replay'], own), /delivered/);
    assert.equal(await parley(['dead-letters', 'list'], own), '');
    assert.equal(phones.last('bob-phone', group), 2);
  });

  it('come for what was committed when the server is killed amidst them, and not again for what was told', async () => {
    await using phones = await Phones.open();
    const env = { ...phones.env, PARLEY_PUSH_TIMEOUT_MS: '60000' };
    await using server = await ServerProcess.start({ env });
    const users = Array.from({ length: 12 }, (_, no) => `u${no}`);
    await begin(server.ports.http, ...users);
    for (const user of users) await register(server.ports.http, phones, user);
    // Half of them are taken, and the other half hangs when the server dies.
    let hanging = true;
    phones.google.behave = ({ path, body }) => {
      if (path === '/token' || !hanging) return undefined;
      return /u(?:[0-5])-phone/.test(body.toString()) ? undefined : 'hang';
    };
    const { seq } = await say(server.ports.http, 'before the crash');
    await until(
      () => phones.google.requests.filter(({ path }) => path !== '/token').length >= 12,
      () => 'not all are under way',
    );
    const early = users.slice(0, 6);
    const taken = () => early.filter((user) => phones.last(`${user}-phone`, group) === seq).length;
    await until(
      () => taken() === 6,
      () => `taken: ${phones.taken}`,
    );
    await server.kill();
    hanging = false;
    await server.start();
    await until(
      () => users.every((user) => phones.last(`${user}-phone`, group) === seq),
      () => `taken: ${phones.taken}`,
    );
    const ids = new Map(users.map((user) => [user, new Set(phones.pushesTo(`${user}-phone`).map(idOf))]));
    for (const [user, own] of ids) assert.equal(own.size, 1, `${user} has ids ${[...own]}`);
    // What was told before is remembered, but for what the crash took from the last moment.
    const repeated = early.filter((user) => phones.pushesTo(`${user}-phone`).length > 1);
    assert.ok(repeated.length <= early.length);
  });
});

function idOf({ data }: FcmPush): string {
  return data['notice_id'] as string;
}

async function deadLettered(port: number): Promise<number> {
  const labels = 'provider="fcm",endpoint="devices",result="dead_letter"';
  return (await Metrics.read(port)).of(`chat_push_total{${labels}}`);
}
