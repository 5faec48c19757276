import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { silentLogger } from '../../core/log.ts';
import { H2Service, type Reply, testAuthority } from '../testing/h2-service.ts';
import { Relay } from '../testing/relay.ts';
import { TurnedClock } from '../testing/turned-clock.ts';
import { H2Line, type H2LineInit } from './h2-line.ts';
import { until } from '../../../test/e2e/support/until.ts';

/** Answers everything with what it was sent. */
class Echo extends H2Service {
  protected override answer({ body }: { readonly body: Buffer }): Reply {
    return { status: 200, body: body.toString() };
  }
}

const ca = await testAuthority();

function lineTo(origin: string, change: Partial<H2LineInit> = {}) {
  const clock = new TurnedClock();
  const line = new H2Line({
    name: 'test',
    origin,
    ca,
    inFlight: 100,
    mostWaiting: 1_000,
    timeoutMs: 20_000,
    pingIntervalMs: 60_000,
    pingTimeoutMs: 10_000,
    backoff: { firstMs: 60_000, maxMs: 60_000 },
    clock,
    random: () => 0,
    log: silentLogger,
    ...change,
  });
  const send = async (text: string, signal?: AbortSignal): Promise<string> => {
    const outcome = await line.request({ ':path': '/' }, Buffer.from(text), signal);
    return outcome.t === 'answered' ? `${outcome.status} ${outcome.body}` : `failed: ${outcome.reason}`;
  };
  return { line, send, clock, [Symbol.dispose]: () => line.close() };
}

/** Holds requests with these texts until it is told to let them go. */
function gate(service: H2Service, ...texts: readonly string[]) {
  const opened = Promise.withResolvers<undefined>();
  service.behave = ({ body }) => (texts.includes(body.toString()) ? opened.promise : undefined);
  return { open: () => opened.resolve(undefined) };
}

/** A server that greets whoever connects, and says nothing else. */
async function notHttp() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).resume();
    socket.write(made.greeting);
  });
  const made = {
    greeting: '',
    origin: '',
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  made.origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return made;
}

function sent(service: H2Service): string[] {
  return service.requests.map(({ body, connection }) => `${body.toString()}:${connection}`);
}

describe('an HTTP/2 line', () => {
  it('connects for the first request, and never again while the connection is good', async () => {
    await using service = await new Echo().listen();
    using to = lineTo(service.origin);
    assert.equal(service.connections, 0);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => to.send(String(i))));
    assert.deepEqual(
      answers,
      answers.map((_, i) => `200 ${i}`),
    );
    assert.equal(await to.send('later'), '200 later');
    assert.equal(service.connections, 1);
  });

  it('I6: has no more under way than the service allows, as it changes its mind', async () => {
    await using service = await new Echo().listen({ maxConcurrentStreams: 3 });
    using to = lineTo(service.origin);
    const burst = async () => Promise.all(Array.from({ length: 30 }, (_, i) => to.send(String(i))));
    assert.ok((await burst()).every((answer) => answer.startsWith('200')));
    assert.equal(service.mostAtOnce, 3);
    service.mostAtOnce = 0;
    service.allow(1);
    // The new limit is known when something sent after it has been answered.
    await to.send('first');
    assert.ok((await burst()).every((answer) => answer.startsWith('200')));
    assert.equal(service.mostAtOnce, 1);
    // What has no room waits here, where it is counted.
    const held = gate(service, 'held');
    const answers = [to.send('held'), to.send('waits'), to.send('waits')];
    assert.equal(to.line.waiting, 2);
    held.open();
    await Promise.all(answers);
  });

  it('I6: has no more under way than it may, nor more waiting', async () => {
    await using service = await new Echo().listen();
    using to = lineTo(service.origin, { inFlight: 2, mostWaiting: 3 });
    const held = gate(service, 'held');
    const answers = [to.send('held'), to.send('held')];
    await service.until(() => service.requests.length === 2);
    answers.push(...Array.from({ length: 4 }, (_, i) => to.send(String(i))));
    assert.equal(to.line.waiting, 3);
    assert.equal(await answers.pop(), 'failed: too many wait');
    held.open();
    assert.deepEqual(await Promise.all(answers), ['200 held', '200 held', '200 0', '200 1', '200 2']);
    assert.equal(service.mostAtOnce, 2);
    assert.equal(to.line.waiting, 0);
  });

  it('takes another connection after a goodbye, for what comes and for what was not looked at', async () => {
    await using service = await new Echo().listen();
    using to = lineTo(service.origin);
    const held = gate(service, 'a');
    const a = to.send('a');
    await service.until(() => service.requests.length === 1);
    service.behave = ({ body, connection }, nth) =>
      nth === 2 && body.toString() === 'b' && connection === 1 ? 'hang' : undefined;
    const b = to.send('b');
    await service.until(() => service.requests.length === 2);
    // The first stream of a client is 1, the second 3.
    service.goodbye(constants.NGHTTP2_NO_ERROR, 1);
    assert.equal(await b, '200 b');
    assert.equal(await to.send('c'), '200 c');
    held.open();
    assert.equal(await a, '200 a');
    assert.deepEqual(sent(service), ['a:1', 'b:1', 'b:2', 'c:2']);
    await until(
      () => service.open === 1,
      () => `${service.open} connections are open`,
    );
  });

  it('I6: has few connections that are yet to end', async () => {
    await using service = await new Echo().listen();
    using to = lineTo(service.origin);
    const held = gate(service, 'held');
    const answers: Promise<string>[] = [];
    for (let connections = 1; connections <= 8; connections += 1) {
      answers.push(to.send('held'));
      await service.until(() => service.requests.length === connections);
      service.goodbye();
    }
    const last = to.send('last');
    // What is sent before the goodbye is heard comes back, and then waits with it.
    await until(
      () => to.line.waiting === 1,
      () => `${service.connections} connections`,
    );
    assert.equal(service.connections, 8);
    held.open();
    for (const answer of await Promise.all(answers)) assert.equal(answer, '200 held');
    assert.equal(await last, '200 last');
    assert.equal(service.connections, 9);
  });

  it('gives back what was under way when a goodbye ends the connection', async () => {
    await using service = await new Echo().listen();
    using to = lineTo(service.origin);
    await to.send('before');
    gate(service, 'a');
    const a = to.send('a');
    await service.until(() => service.requests.length === 2);
    service.goodbye(constants.NGHTTP2_ENHANCE_YOUR_CALM, 3);
    assert.match(await a, /^failed: /);
    assert.equal(await to.send('c'), '200 c');
    assert.deepEqual(sent(service), ['before:1', 'a:1', 'c:2']);
  });

  it('sends what is refused again, though not for ever', async () => {
    await using service = await new Echo().listen();
    using to = lineTo(service.origin);
    let refusals = 2;
    service.behave = () => (refusals-- > 0 ? 'refuse' : undefined);
    assert.equal(await to.send('twice'), '200 twice');
    assert.equal(service.requests.length, 3);
    service.behave = () => 'refuse';
    assert.match(await to.send('always'), /^failed: /);
    assert.equal(service.requests.length, 6);
  });

  it('does not send again what may have been looked at', async () => {
    for (const how of ['reset', 'cut'] as const) {
      await using service = await new Echo().listen();
      using to = lineTo(service.origin);
      assert.equal(await to.send('before'), '200 before');
      service.behave = () => how;
      assert.match(await to.send('once'), /^failed: /);
      service.behave = undefined;
      assert.equal(await to.send('after'), '200 after');
      assert.equal(service.requests.length, 3);
      assert.equal(service.connections, how === 'cut' ? 2 : 1);
    }
  });

  it('waits for an answer no longer than its time, and for nobody else’s', async () => {
    await using service = await new Echo().listen();
    using to = lineTo(service.origin, { timeoutMs: 1_500 });
    service.behave = ({ body }) => (body.toString() === 'hangs' ? 'hang' : undefined);
    const hanging = to.send('hangs');
    assert.equal(await to.send('passes'), '200 passes');
    assert.equal(await hanging, 'failed: no answer within 1500 ms');
    assert.equal(await to.send('after'), '200 after');
    assert.equal(service.connections, 1);
  });

  it('gives a request its whole time from when it is sent, and gives back what waited as long for its turn', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    await using service = await new Echo().listen();
    using to = lineTo(service.origin, { inFlight: 1, timeoutMs: 10_000 });
    const gates = Array.from({ length: 2 }, () => Promise.withResolvers<undefined>());
    service.behave = (_, nth) => gates[nth - 1]?.promise;
    const answers = [to.send('first'), to.send('second'), to.send('third')];
    await service.until(() => service.requests.length === 1);
    t.mock.timers.tick(6_000);
    gates[0]?.resolve(undefined);
    assert.equal(await answers[0], '200 first');
    await service.until(() => service.requests.length === 2);
    t.mock.timers.tick(6_000);
    assert.equal(await answers[2], 'failed: no turn within 10000 ms');
    gates[1]?.resolve(undefined);
    assert.equal(await answers[1], '200 second');
    assert.deepEqual(sent(service), ['first:1', 'second:1']);
  });

  it('does not send again what comes back when its time to wait is over', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    await using service = await new Echo().listen();
    using to = lineTo(service.origin, { inFlight: 1, timeoutMs: 10_000 });
    const gates = Array.from({ length: 2 }, () => Promise.withResolvers<'refuse' | undefined>());
    service.behave = (_, nth) => gates[nth - 1]?.promise;
    const answers = [to.send('first'), to.send('late')];
    await service.until(() => service.requests.length === 1);
    t.mock.timers.tick(6_000);
    gates[0]?.resolve(undefined);
    await service.until(() => service.requests.length === 2);
    t.mock.timers.tick(6_000);
    gates[1]?.resolve('refuse');
    assert.match((await Promise.all(answers))[1] ?? '', /^failed: /);
    assert.deepEqual(sent(service), ['first:1', 'late:1']);
  });

  it('I6: reads no more of an answer than it has room for', async () => {
    await using service = await new Echo().listen();
    using to = lineTo(service.origin);
    service.behave = () => 'endless';
    const outcome = await to.line.request({ ':path': '/' }, Buffer.from('x'));
    assert.ok(outcome.t === 'answered' && outcome.status === 200);
    assert.ok(outcome.body.length <= 16 * 1024, String(outcome.body.length));
    service.behave = undefined;
    assert.equal(await to.send('after'), '200 after');
  });

  it('knocks seldom where nobody is, and tells everybody meanwhile how long', async () => {
    await using service = await new Echo().listen();
    await service.down();
    using to = lineTo(service.origin, { backoff: { firstMs: 1_000, maxMs: 60_000 } });
    assert.equal(await to.send('first'), 'failed: ECONNREFUSED');
    const waits: number[] = [];
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const outcome = await to.line.request({}, Buffer.from('x'));
      assert.ok(outcome.t === 'failed' && outcome.afterMs !== undefined);
      waits.push(outcome.afterMs);
      to.clock.aheadMs += outcome.afterMs;
      // The one that is let through finds out that the service is still away.
      assert.equal(await to.send('next'), 'failed: ECONNREFUSED');
    }
    const [first = 0, second = 0, third = 0] = waits;
    assert.ok(first <= 500 && second > first && third > second, waits.join(' '));
    await service.listen();
    assert.equal(service.connections, 0);
    assert.equal(await to.send('too early'), 'failed: ECONNREFUSED');
    to.clock.aheadMs += 60_000;
    assert.equal(await to.send('in time'), '200 in time');
    assert.deepEqual(sent(service), ['in time:1']);
    // Whoever was there is waited for anew.
    await service.down();
    await until(
      async () => (await to.send('again')) === 'failed: ECONNREFUSED',
      () => 'it does not hear that nobody is there',
    );
    const outcome = await to.line.request({}, Buffer.from('x'));
    assert.ok(outcome.t === 'failed' && (outcome.afterMs ?? Infinity) <= 500, JSON.stringify(outcome));
  });

  it('gives up a connection on which nothing comes back', async () => {
    await using service = await new Echo().listen();
    await using relay = await Relay.to(Number(new URL(service.origin).port));
    using to = lineTo(`https://127.0.0.1:${relay.port}`, { pingIntervalMs: 100, pingTimeoutMs: 2_000 });
    assert.equal(await to.send('before'), '200 before');
    relay.freeze();
    assert.equal(await to.send('lost'), 'failed: no answer to a ping');
    assert.equal(await to.send('after'), '200 after');
    assert.deepEqual(sent(service), ['before:1', 'after:2']);
  });

  it('has a good connection for good, however often it is asked for a sign of life', async () => {
    await using service = await new Echo().listen();
    using to = lineTo(service.origin, { pingIntervalMs: 5, pingTimeoutMs: 20_000 });
    const pings = service.countPings();
    await to.send('first');
    await until(
      () => pings() >= 5,
      () => `${pings()} pings`,
    );
    assert.equal(await to.send('last'), '200 last');
    assert.equal(service.connections, 1);
  });

  it('believes nobody who says nothing, or something else', async () => {
    await using service = await notHttp();
    const { origin } = service;
    using mute = lineTo(origin, { timeoutMs: 200 });
    assert.match(await mute.send('x'), /^failed: no (?:answer|connection) within 200 ms$/);
    service.greeting = 'HTTP/1.1 400 Bad Request\r\n\r\n';
    using other = lineTo(origin);
    assert.match(await other.send('x'), /^failed: ERR_SSL_/);
  });

  it('says nothing to whom nobody vouches for', async () => {
    await using service = await new Echo().listen();
    using usual = lineTo(service.origin, { ca: undefined });
    assert.match(await usual.send('x'), /^failed: .*(?:CERT|VERIFY|SELF_SIGNED)/);
    assert.equal(service.requests.length, 0);
  });

  it('gives up what is called off, whether it waits or is under way', async () => {
    await using service = await new Echo().listen();
    using to = lineTo(service.origin, { inFlight: 1 });
    gate(service, 'held');
    const calledOff = new AbortController();
    const answers = [to.send('held', calledOff.signal), to.send('waits', calledOff.signal)];
    const patient = to.send('patient');
    await service.until(() => service.requests.length === 1);
    calledOff.abort();
    assert.deepEqual(await Promise.all(answers), ['failed: aborted', 'failed: aborted']);
    assert.equal(await patient, '200 patient');
    assert.equal(await to.send('never', calledOff.signal), 'failed: aborted');
    assert.deepEqual(sent(service), ['held:1', 'patient:1']);
  });

  it('ends everything when it is closed', async () => {
    await using service = await new Echo().listen();
    const to = lineTo(service.origin, { inFlight: 1 });
    gate(service, 'held');
    const answers = [to.send('held'), to.send('waits')];
    await service.until(() => service.requests.length === 1);
    to.line.close();
    to.line.close();
    assert.deepEqual(await Promise.all([...answers, to.send('late')]), Array(3).fill('failed: closed'));
    await until(
      () => service.open === 0,
      () => `${service.open} connections are open`,
    );
    assert.equal(service.connections, 1);
  });
});
