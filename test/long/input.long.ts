import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { HostileSession, Tally } from '../input/support/attack.ts';
import { HostilePlainSocket } from '../input/support/attack-plain.ts';
import { type HostileCall, HostileCalls } from '../input/support/hostile-calls.ts';
import { type HostileFrame, HostileFrames } from '../input/support/hostile-frames.ts';
import { HostileJson } from '../input/support/hostile-json.ts';
import { HostilePlain } from '../input/support/hostile-plain.ts';
import { Metrics } from '../input/support/metrics.ts';
import { Random } from '../input/support/random.ts';
import { Rest } from '../input/support/rest.ts';
import { doors, type Door, visit } from '../input/support/visitor.ts';
import { WatchedServer } from '../input/support/watched-server.ts';
import { Witnesses } from '../input/support/witnesses.ts';

/** Set to what a failed run has printed, to have it again. */
const seed = Number(process.env['PARLEY_INPUT_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const framesPerDialect = Number(process.env['PARLEY_INPUT_FRAMES'] ?? 50_000);
const callsPerDoor = 4_000;
const attackers = 6;
const users = 40;
/** Frames that are sent before their answers are waited for. */
const atOnce = 12;
/**
 * What the server may hold more than after the first dialect, in MB: its caches of conversations and pages fill. A leak
 * of a few hundred bytes a frame is more.
 */
const ceilingMb = 60;
/** What it may have of the machine, in MB: what it holds, and garbage that nobody collected yet. */
const residentMb = 1_200;

interface Session {
  readonly closed: boolean;
  suffer(frames: readonly HostileFrame[]): Promise<void>;
  finish(): Promise<void>;
}

describe(`a server under random input (PARLEY_INPUT_SEED=${seed})`, () => {
  const stack = new AsyncDisposableStack();
  let server: WatchedServer;
  let witnesses: Witnesses;
  let warmMb = 0;
  let sessions = 0;

  before(async () => {
    process.stdout.write(`seed ${seed}, ${framesPerDialect} frames a dialect\n`);
    server = stack.use(await WatchedServer.start({ PARLEY_LOBBY: 'false' }));
    const rest = new Rest(server.ports.http);
    const members = Array.from({ length: users }, (_, index) => `mallory ${index}`);
    const owned = [
      { group_id: 'own', name: 'Own', members },
      { group_id: 'closed', name: 'Closed', members: ['bob'] },
      { group_id: 'full', name: 'Full', members: ['bob'], max_members: 2 },
    ];
    for (const group of owned) await rest.as('ann').ok('POST', '/api/v1/groups', group);
    witnesses = stack.use(await Witnesses.begin(server.ports));
  });
  after(() => stack.disposeAsync());

  function nextUser(): string {
    sessions += 1;
    return `mallory ${sessions % users}`;
  }

  /** Sends so many frames, some at a time, on a new session whenever one has ended. */
  async function attack(
    total: number,
    next: () => HostileFrame,
    open: () => Promise<Session>,
    tally: Tally,
  ): Promise<void> {
    while (tally.frames < total) {
      const session = await open();
      for (let round = 0; round < 20 && !session.closed && tally.frames < total; round += 1) {
        const frames: HostileFrame[] = [];
        do frames.push(next());
        while (frames.length < atOnce && frames.at(-1)?.maybeFatal === false);
        await session.suffer(frames);
      }
      await session.finish();
    }
  }

  async function assertUnharmed(name: string, tally: Tally): Promise<void> {
    const memory = await server.memory();
    const figures =
      `${name}: ${tally.frames} frames, ${tally.connections} sessions, ${witnesses.said} said, ` +
      `${memory.heldMb} MB held, ${memory.residentMb} MB resident\n`;
    const counts = (title: string, map: ReadonlyMap<string, number>) =>
      `  ${title}: ${[...map].map(([what, count]) => `${what} ${count}`).join(', ')}\n`;
    process.stdout.write(
      figures +
        counts('answered', tally.answers) +
        counts('refused', tally.refusals) +
        counts('closed', tally.closes),
    );
    assert.ok(server.alive, 'the server is gone');
    assert.deepEqual(server.complaints, []);
    assert.deepEqual(tally.problems.slice(0, 20), []);
    if (warmMb === 0) warmMb = memory.heldMb;
    assert.ok(memory.heldMb < warmMb + ceilingMb, `${memory.heldMb} MB held, after ${warmMb} MB`);
    assert.ok(memory.residentMb < residentMb, `${memory.residentMb} MB resident`);
  }

  const generators: Readonly<Record<Door, (random: Random) => { next(): HostileFrame }>> = {
    grpc: (random) => new HostileFrames(random),
    proto: (random) => new HostileFrames(random),
    json: (random) => new HostileJson(random),
  };
  for (const door of doors)
    test(`frames by ${door}`, async () => {
      const tally = new Tally();
      const open = async (): Promise<Session> => {
        const session = new HostileSession(await visit(door, server.ports), tally, server.ports.metrics);
        // Some don't even say hello.
        if (tally.connections % 20 !== 0) await session.signIn(nextUser());
        return session;
      };
      await Promise.all(
        Array.from({ length: attackers }, (_, index) => {
          const frames = generators[door](new Random(seed + 31 * index + door.length));
          return attack(framesPerDialect, () => frames.next(), open, tally);
        }),
      );
      await assertUnharmed(door, tally);
      for (const reason of [
        'invalidId',
        'notMember',
        'conversationNotFound',
        'seqOutOfRange',
        'emptyContent',
      ])
        assert.ok((tally.refusals.get(reason) ?? 0) > framesPerDialect / 500, reason);
      for (const answer of ['sent', 'entries', 'changes', 'pong'])
        assert.ok((tally.answers.get(answer) ?? 0) > framesPerDialect / 500, answer);
      for (const close of ['4400 malformedFrame', '4413 tooManyCommands', '4401 helloExpected'])
        assert.ok((tally.closes.get(close) ?? 0) > 5, close);
    });

  test('frames of the plain dialect', async () => {
    const tally = new Tally();
    const open = () => HostilePlainSocket.open(server.ports.ws, encodeURIComponent(nextUser()), tally);
    await Promise.all(
      Array.from({ length: attackers }, (_, index) => {
        const frames = new HostilePlain(new Random(seed + 77 * index));
        return attack(framesPerDialect, () => frames.next(), open, tally);
      }),
    );
    await assertUnharmed('plain', tally);
    for (const reason of [
      'malformedFrame',
      'invalidField',
      'unknownCommand',
      'unsupportedFrame',
      'alreadySignedIn',
    ])
      assert.ok((tally.refusals.get(reason) ?? 0) > framesPerDialect / 500, reason);
  });

  for (const door of ['rest', 'connect'] as const)
    test(`calls by ${door}`, async () => {
      const tally = new Tally();
      await Promise.all(
        Array.from({ length: attackers }, async (_, index) => {
          const calls = new HostileCalls(new Random(seed + 13 * index + door.length));
          while (tally.frames < callsPerDoor) {
            tally.frames += 1;
            const call = calls[door]();
            const { status, reason } = await made(server.ports.http, call);
            if (reason !== '') tally.refusedPlainly(reason);
            if (status >= 500 || (status >= 400 && reason === ''))
              tally.problems.push(
                `${call.method} ${call.path} ${String(call.body).slice(0, 200)}: ${status} ${reason}`,
              );
          }
        }),
      );
      await assertUnharmed(door, tally);
      assert.ok(
        (tally.refusals.get('invalidField') ?? 0) > 50 && (tally.refusals.get('malformedFrame') ?? 0) > 50,
      );
    });

  test('the witnesses missed nothing, and all of it shows in the metrics', async () => {
    await witnesses.assertHeardAll();
    assert.ok(witnesses.said > 200, `${witnesses.said} messages`);
    const metrics = await Metrics.read(server.ports.metrics);
    const refused = metrics.by('chat_commands_refused_total');
    for (const reason of [
      'invalidId',
      'invalidField',
      'notMember',
      'conversationNotFound',
      'beyondHead',
      'tokenInvalid',
    ])
      assert.ok((refused.get(reason) ?? 0) > 0, reason);
    const closed = metrics.by('chat_sessions_closed_total');
    assert.ok((closed.get('malformedFrame') ?? 0) > 0);
    assert.equal((refused.get('internal') ?? 0) + (closed.get('internal') ?? 0), 0);
    assert.ok((metrics.by('chat_bridge_frames_refused_total').get('malformedFrame') ?? 0) > 0);
    assert.ok(metrics.of('chat_grpc_refusals_total{reason="frameTooLarge"}') > 0);
  });
});

/** Makes a call; the reason of a refusal, from wherever its door puts it. */
async function made(port: number, call: HostileCall): Promise<{ status: number; reason: string }> {
  const { method, path, body, headers } = call;
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: Buffer.from(body) }),
  });
  const text = await response.text();
  if (response.status < 400) return { status: response.status, reason: '' };
  const answer = parsed(text);
  const [detail] = answer.details ?? [];
  const encoded = Buffer.from(detail?.value ?? '', 'base64').toString('latin1');
  const named = answer.reason ?? detail?.debug?.reason ?? /[a-z]+[A-Za-z]{5,}/.exec(encoded)?.[0] ?? '';
  return { status: response.status, reason: named };
}

interface AnyRefusal {
  readonly reason?: string;
  readonly details?: readonly { readonly value?: string; readonly debug?: { readonly reason: string } }[];
}

function parsed(text: string): AnyRefusal {
  try {
    return JSON.parse(text) as AnyRefusal;
  } catch {
    return {};
  }
}
