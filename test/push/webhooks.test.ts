import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { secretKey, verifies } from '../../services/push/signature.ts';
import { webhookTypes } from '../../services/push/webhook.ts';
import { accepting, Receiver, type Received } from '../../services/push/testing/receiver.ts';
import { JsonUser } from '../e2e/support/json-user.ts';
import { until } from '../e2e/support/until.ts';
import { Metrics } from '../input/support/metrics.ts';
import { parley, ServerProcess } from '../e2e/support/server-process.ts';
import { TestServer } from '../helpers/server.ts';
import { quickRetries, rest, secret, WebhooksFile } from './support.ts';

/** What a webhook said, without what differs from run to run. */
function said({ type, data }: Received): unknown {
  const { msg_id: _, created_at: __, ...rest } = data;
  return [type, rest];
}

describe('webhooks of a whole server', () => {
  it('tell of messages, recalls and groups, signed and in order, without a word of what was said', async () => {
    await using receiver = await Receiver.open();
    await using file = await WebhooksFile.write({
      url: receiver.url(),
      events: webhookTypes.filter((type) => type !== 'message.offline'),
    });
    await using server = await TestServer.start({ PARLEY_WEBHOOKS: file.path });
    const { http } = server.ports;
    await rest(http, 'ann', 'POST', '/groups', { group_id: 'g', name: 'hush-name', members: ['bob'] });
    await rest(http, 'ann', 'POST', '/messages/send', { conv_id: 'g', content: 'hush-content' });
    await rest(http, 'ann', 'DELETE', '/conversations/g/messages/2');
    await rest(http, 'ann', 'POST', '/groups/g/members', { users: ['cyd', 'dan'] });
    await rest(http, 'ann', 'PUT', '/groups/g/members/bob/role', { role: 'admin' });
    await rest(http, 'ann', 'PATCH', '/groups/g', { name: 'hush-again' });
    await rest(http, 'ann', 'DELETE', '/groups/g/members/dan');
    await receiver.until(() => receiver.received.length === 7);
    const g = { conv_id: 'g', conversation: 'group', sender: 'ann' };
    assert.deepEqual(receiver.received.map(said), [
      ['group.created', { ...g, seq: 1, user_ids: ['ann', 'bob'] }],
      ['message.created', { ...g, seq: 2 }],
      ['message.recalled', { ...g, seq: 3, target_seq: 2 }],
      ['group.member_added', { ...g, seq: 4, user_ids: ['cyd', 'dan'] }],
      ['group.role_changed', { ...g, seq: 5, user_ids: ['bob'] }],
      ['group.renamed', { ...g, seq: 6 }],
      ['group.member_removed', { ...g, seq: 7, user_ids: ['dan'] }],
    ]);
    for (const { headers, body, id } of receiver.received) {
      const timestamp = Number(headers['webhook-timestamp']);
      assert.ok(Math.abs(Date.now() / 1_000 - timestamp) < 60);
      assert.ok(verifies(secretKey(secret), id, timestamp, body, headers['webhook-signature'] as string));
      assert.doesNotMatch(body, /hush/);
    }
    const message = receiver.received[1] as Received;
    assert.match(message.data['msg_id'] as string, /^\d+$/);
    assert.equal(JSON.parse(message.body).timestamp, message.data['created_at']);
  });

  it('tell who of a conversation is offline, once an interval, and not those who are there or spoke themselves', async () => {
    await using receiver = await Receiver.open();
    await using file = await WebhooksFile.write({ url: receiver.url(), events: ['message.offline'] });
    await using server = await TestServer.start({
      PARLEY_WEBHOOKS: file.path,
      PARLEY_WEBHOOK_OFFLINE_INTERVAL_MS: '1000',
    });
    const { http, ws } = server.ports;
    await rest(http, 'ann', 'POST', '/groups', { group_id: 'g', name: 'g', members: ['bob', 'cyd', 'dan'] });
    await rest(http, 'ann', 'DELETE', '/groups/g/members/dan');
    await using _ = await JsonUser.signIn('bob', ws);
    for (let no = 1; no <= 5; no++) {
      await rest(http, 'ann', 'POST', '/messages/send', { conv_id: 'g', content: `${no}` });
    }
    const seqs = (): number[] =>
      receiver.received.flatMap(({ data }) => {
        const [first, last] = [data['first_seq'] as number, data['last_seq'] as number];
        return Array.from({ length: last - first + 1 }, (__, i) => first + i);
      });
    await receiver.until(() => seqs().length >= 5);
    assert.deepEqual(seqs(), [3, 4, 5, 6, 7]);
    for (const { type, data } of receiver.received) {
      assert.equal(type, 'message.offline');
      assert.deepEqual(data['user_ids'], ['cyd']);
      assert.equal(data['sender'], 'ann');
      assert.equal(data['messages'], (data['last_seq'] as number) - (data['first_seq'] as number) + 1);
    }
  });

  it('lose nothing when the server is killed, and repeat under the same id', async () => {
    let refusing = true;
    await using receiver = await Receiver.open((received, response, request) => {
      if (!refusing || received.data['seq'] === 2) accepting(received, response, request);
      else response.writeHead(503).end();
    });
    await using file = await WebhooksFile.write({ url: receiver.url(), events: ['message.created'] });
    const env = { ...quickRetries, PARLEY_WEBHOOKS: file.path, PARLEY_WEBHOOK_ATTEMPTS: '50' };
    await using server = await ServerProcess.start({ env });
    const post = (content: string) =>
      rest(server.ports.http, 'ann', 'POST', '/messages/send', { conv_id: 'g', content });
    await rest(server.ports.http, 'ann', 'POST', '/groups', { group_id: 'g', name: 'g', members: [] });
    for (let no = 2; no <= 11; no++) await post(`${no}`);
    await receiver.until(() => receiver.received.some(({ data }) => data['seq'] === 3));
    // What is not in the event log yet has no second chance in a single process: see docs/webhooks.md.
    await until(
      async () => (await Metrics.read(server.ports.metrics)).of('chat_relay_published_total') >= 11,
      () => 'events are not published',
    );
    await server.kill();
    refusing = false;
    const before = receiver.received.length;
    await server.start();
    await receiver.until(() => receiver.received.slice(before).some(({ data }) => data['seq'] === 11));
    const delivered = receiver.received.slice(before).filter(({ data }) => data['seq'] !== 2);
    assert.deepEqual(
      delivered.map(({ data }) => data['seq']),
      [3, 4, 5, 6, 7, 8, 9, 10, 11],
    );
    const idsOf = (seq: number) =>
      new Set(receiver.received.filter(({ data }) => data['seq'] === seq).map(({ id }) => id));
    assert.equal(idsOf(3).size, 1);
    assert.equal(new Set(receiver.ids).size, 10);
  });

  it('keep what was given up as dead letters, which are listed and replayed by the command line', async () => {
    let broken = true;
    await using receiver = await Receiver.open((received, response, request) => {
      if (!broken) accepting(received, response, request);
      else response.writeHead(500).end();
    });
    await using file = await WebhooksFile.write({ url: receiver.url(), events: ['message.created'] });
    const env = { ...quickRetries, PARLEY_WEBHOOKS: file.path, PARLEY_WEBHOOK_ATTEMPTS: '2' };
    await using server = await ServerProcess.start({ env });
    const { http } = server.ports;
    await rest(http, 'ann', 'POST', '/groups', { group_id: 'g', name: 'g', members: [] });
    await rest(http, 'ann', 'POST', '/messages/send', { conv_id: 'g', content: 'x' });
    await rest(http, 'ann', 'POST', '/messages/send', { conv_id: 'g', content: 'y' });
    await receiver.until(() => receiver.received.length === 4);
    await server.stop();
    const own = { ...env, PARLEY_MODE: 'development', PARLEY_DATA_DIR: server.dataDir };
    const listed = (await parley(['dead-letters', 'list'], own)).trimEnd().split('\n');
    assert.deepEqual(
      listed.map((line) => line.split('\t').filter((_, at) => at !== 2)),
      [receiver.ids[0], receiver.ids[2]].map((id, at) => [
        id,
        'app',
        'message.created',
        'g',
        String(at + 2),
        '2 attempts',
        'status 500',
      ]),
    );
    await assert.rejects(parley(['dead-letters', 'replay'], own), /2 failed/);
    broken = false;
    const one = receiver.ids[2] as string;
    assert.match(await parley(['dead-letters', 'replay', one], own), /delivered/);
    await parley(['dead-letters', 'drop', receiver.ids[0] as string], own);
    assert.equal(await parley(['dead-letters', 'list'], own), '');
    const { id, headers, body } = receiver.received.at(-1) as Received;
    assert.equal(id, one);
    assert.ok(
      verifies(
        secretKey(secret),
        id,
        Number(headers['webhook-timestamp']),
        body,
        headers['webhook-signature'] as string,
      ),
    );
  });
});
