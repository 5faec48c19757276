import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { systemClock } from '../core/clock.ts';
import { silentLogger } from '../core/log.ts';
import { Courier } from './courier.ts';
import type { Endpoint } from './endpoint-file.ts';
import { secretKey } from './signature.ts';
import { Letters } from './testing/letters.ts';
import { accepting, type Behaviour, Receiver } from './testing/receiver.ts';
import type { Webhook } from './webhook.ts';
import { until } from '../../test/e2e/support/until.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

function webhook(seq: number, convId = 'g'): Webhook {
  const data = { conv_id: convId, seq };
  return {
    type: 'message.created',
    convId,
    firstSeq: seq,
    lastSeq: seq,
    part: 0,
    occurredAtMs: 1_000 + seq,
    data,
  };
}

interface Options {
  readonly attempts?: number;
  readonly timeoutMs?: number;
  readonly maxRetryMs?: number;
  readonly inFlight?: number;
  readonly ca?: string;
}

function courierTo(url: string, options: Options = {}) {
  const { attempts = 3, timeoutMs = 5_000, maxRetryMs = 20, inFlight = 4, ca } = options;
  const endpoint: Endpoint = {
    name: 'app',
    url: new URL(url),
    keys: [secretKey(secret)],
    types: new Set(['message.created']),
    inFlight,
    ca,
  };
  const letters = new Letters();
  const courier = new Courier({
    endpoint,
    config: { attempts, firstRetryMs: 10, maxRetryMs, timeoutMs },
    deadLetters: letters,
    clock: systemClock,
    random: () => 0,
    log: silentLogger,
    mostWaiting: 1_000,
  });
  return { courier, letters, [Symbol.dispose]: () => courier.stop() };
}

/** Delivers one webhook to a receiver that behaves like this each time, and says what came of it. */
async function outcome(behave: Behaviour, options: Options = {}) {
  await using receiver = await Receiver.open(behave);
  using parts = courierTo(receiver.url(), options);
  await parts.courier.deliver(webhook(1));
  const [letter] = parts.letters.kept;
  return { attempts: receiver.received.length, reason: letter?.reason, letter, receiver };
}

describe('a courier', () => {
  it('delivers at the first attempt to one who accepts', async () => {
    for (const status of [200, 202, 204, 299]) {
      const { attempts, letter } = await outcome((_, response) => void response.writeHead(status).end('{}'));
      assert.deepEqual([attempts, letter], [1, undefined], String(status));
    }
  });

  it('tries again what is refused, under the same id, until it is accepted', async () => {
    let refusals = 2;
    const { attempts, letter, receiver } = await outcome((received, response, request) => {
      if (refusals-- > 0) response.writeHead(500).end();
      else accepting(received, response, request);
    });
    assert.deepEqual([attempts, letter], [3, undefined]);
    assert.equal(new Set(receiver.ids).size, 1);
  });

  it('gives up after the last attempt, and keeps what it was to say', async () => {
    const { attempts, letter, receiver } = await outcome((_, response) => void response.writeHead(500).end());
    assert.equal(attempts, 3);
    assert.ok(letter);
    const { failedAtMs, ...rest } = letter;
    assert.ok(failedAtMs > 1_600_000_000_000);
    assert.deepEqual(rest, {
      id: receiver.ids[0],
      endpoint: 'app',
      type: 'message.created',
      convId: 'g',
      firstSeq: 1,
      lastSeq: 1,
      occurredAtMs: 1_001,
      attempts: 3,
      reason: 'status 500',
      body: receiver.received[0]?.body,
    });
  });

  it('does not ask again one who is gone for good', async () => {
    const { attempts, reason } = await outcome((_, response) => void response.writeHead(410).end());
    assert.deepEqual([attempts, reason], [1, 'status 410']);
  });

  it('follows no redirect, not even to where it came from', async () => {
    for (const status of [301, 302, 307, 308]) {
      const { attempts, reason, receiver } = await outcome(({ path }, response) => {
        response.writeHead(status, { location: path === '/hook' ? '/elsewhere' : '/hook' }).end();
      });
      assert.deepEqual([attempts, reason], [3, `status ${status}`]);
      assert.deepEqual(new Set(receiver.received.map(({ path }) => path)), new Set(['/hook']));
    }
  });

  it('takes the word of one who accepts and then lies about the rest', async () => {
    const liars: readonly Behaviour[] = [
      // Cut off in the middle of what was promised.
      (_, response) => {
        response.writeHead(200, { 'content-length': 1_000 });
        response.write('x', () => response.destroy());
      },
      // Garbage for JSON.
      (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('\u0000}{'),
      // A body that never ends.
      (_, response) => {
        response.writeHead(200);
        const more = (): void => void response.write('x'.repeat(64 * 1024), (error) => error ?? more());
        more();
      },
      // A body that never goes on.
      (_, response) => void response.writeHead(200).write('x'),
    ];
    for (const behave of liars) {
      const { attempts, letter } = await outcome(behave);
      assert.deepEqual([attempts, letter], [1, undefined]);
    }
  });

  it('waits for an answer no longer than its time', async () => {
    const { attempts, reason } = await outcome(() => {}, { timeoutMs: 100, attempts: 2 });
    assert.deepEqual([attempts, reason], [2, 'no answer within 100 ms']);
  });

  it('waits no longer either for headers that come one by one', async () => {
    const { attempts, reason } = await outcome(
      (_, response) => {
        const timer = setInterval(() => response.writeProcessing(), 20);
        response.once('close', () => clearInterval(timer));
      },
      { timeoutMs: 150, attempts: 1 },
    );
    assert.deepEqual([attempts, reason], [1, 'no answer within 150 ms']);
  });

  it('reads no more headers than it has room for', async () => {
    const { reason } = await outcome(
      (_, response) => void response.writeHead(200, { 'x-large': 'x'.repeat(32 * 1024) }).end(),
      { attempts: 1 },
    );
    assert.equal(reason, 'HPE_HEADER_OVERFLOW');
  });

  it('understands nothing but HTTP', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {}).resume();
      socket.end('SSH-2.0-something\r\n');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    using parts = courierTo(`http://127.0.0.1:${port}/`);
    await parts.courier.deliver(webhook(1));
    assert.match(parts.letters.kept[0]?.reason ?? '', /^HPE_/);
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  });

  it('finds a receiver that went and came back', async () => {
    await using receiver = await Receiver.open();
    using parts = courierTo(receiver.url(), { attempts: 50 });
    await parts.courier.deliver(webhook(1));
    await receiver.down();
    const delivery = parts.courier.deliver(webhook(2));
    await until(
      () => parts.courier.meters.failedAttempts >= 2,
      () => 'no attempt failed',
    );
    await receiver.up();
    await delivery;
    assert.deepEqual(parts.letters.kept, []);
    assert.equal(new Set(receiver.ids).size, 2);
  });

  it('waits no longer than its longest wait, whatever Retry-After asks for', async () => {
    const { attempts } = await outcome(
      (_, response) => void response.writeHead(503, { 'retry-after': '3600' }).end(),
      { attempts: 2 },
    );
    assert.equal(attempts, 2);
  });

  it('trusts who is vouched for, by the usual authorities or by those named, and nobody else', async () => {
    const file = (name: string) => readFile(new URL(`../grpc/testdata/${name}`, import.meta.url), 'utf8');
    const tls = { key: await file('server.key'), cert: await file('server.pem') };
    await using receiver = await Receiver.open(accepting, tls);
    using stranger = courierTo(receiver.url(), { attempts: 1 });
    await stranger.courier.deliver(webhook(1));
    assert.match(stranger.letters.kept[0]?.reason ?? '', /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/);
    assert.equal(receiver.received.length, 0);
    using friend = courierTo(receiver.url(), { ca: await file('ca.pem') });
    await friend.courier.deliver(webhook(1));
    assert.equal(receiver.received.length, 1);
    // Vouched for, but under another name.
    using wrong = courierTo(receiver.url('/', '127.0.0.2'), { attempts: 1, ca: await file('ca.pem') });
    await wrong.courier.deliver(webhook(2));
    assert.equal(receiver.received.length, 1);
    assert.equal(wrong.letters.kept.length, 1);
  });

  it('tells one thing of a conversation after another, whatever is refused between them', async () => {
    let refusals = 2;
    await using receiver = await Receiver.open((received, response, request) => {
      if (received.data['seq'] === 1 && refusals-- > 0) response.writeHead(500).end();
      else accepting(received, response, request);
    });
    using parts = courierTo(receiver.url());
    await Promise.all([1, 2, 3].map((seq) => parts.courier.deliver(webhook(seq))));
    assert.deepEqual(
      receiver.received.map(({ data }) => data['seq']),
      [1, 1, 1, 2, 3],
    );
  });

  it('tells nothing behind what could not be kept, so that it comes again with it', async () => {
    await using receiver = await Receiver.open((_, response) => void response.writeHead(500).end());
    using parts = courierTo(receiver.url(), { attempts: 1 });
    parts.letters.broken = new Error('disk full');
    await assert.rejects(parts.courier.deliverAll('g', [webhook(1), webhook(2)]), /disk full/);
    assert.equal(receiver.received.length, 1);
  });

  it('I6: has no more requests under way than the endpoint allows', async () => {
    let [running, most] = [0, 0];
    const gate = Promise.withResolvers<void>();
    await using receiver = await Receiver.open(async (_, response) => {
      running += 1;
      most = Math.max(most, running);
      await gate.promise;
      running -= 1;
      response.writeHead(204).end();
    });
    using parts = courierTo(receiver.url(), { inFlight: 3 });
    const deliveries = Array.from({ length: 12 }, (_, i) => parts.courier.deliver(webhook(1, `conv-${i}`)));
    await receiver.until(() => receiver.received.length === 3);
    // Whatever else it wants to send, it does in the time that another takes for much more.
    await using other = await Receiver.open();
    using busy = courierTo(other.url());
    await Promise.all(Array.from({ length: 50 }, (_, seq) => busy.courier.deliver(webhook(seq))));
    gate.resolve();
    await Promise.all(deliveries);
    assert.equal(most, 3);
    assert.equal(receiver.received.length, 12);
  });

  it('rejects what can neither be delivered nor kept', async () => {
    await using receiver = await Receiver.open((_, response) => void response.writeHead(500).end());
    using parts = courierTo(receiver.url(), { attempts: 1 });
    parts.letters.broken = new Error('disk full');
    await assert.rejects(parts.courier.deliver(webhook(1)), /disk full/);
  });

  it('stops at once, whatever it waits for, and keeps no letter of that', async () => {
    await using receiver = await Receiver.open((_, response) => {
      if (receiver.received.length > 1) response.writeHead(500).end();
    });
    const parts = courierTo(receiver.url(), { maxRetryMs: 100_000, attempts: 50 });
    const hanging = parts.courier.deliver(webhook(1, 'hangs'));
    await receiver.until(() => receiver.received.length === 1);
    const waiting = parts.courier.deliver(webhook(1, 'waits'));
    await until(
      () => parts.courier.meters.failedAttempts >= 3,
      () => 'no attempt failed',
    );
    parts.courier.stop();
    for (const outcome of await Promise.allSettled([hanging, waiting, parts.courier.deliver(webhook(2))])) {
      assert.equal(outcome.status, 'rejected');
      assert.match(String(outcome.reason), /stopping/);
    }
    assert.deepEqual(parts.letters.kept, []);
  });
});
