import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { PassThrough } from 'node:stream';
import { after, afterEach, before, describe, test } from 'node:test';
import { Authority } from '../test/helpers/certificates.ts';
import { LiveServer } from '../sdk/testing/live-server.ts';
import { chatCommand } from './chat-command.ts';
import { runCli } from './cli/run-cli.ts';

/** One run of `parley chat` on pipes. */
class Run {
  readonly input = new PassThrough();
  readonly #output = new PassThrough();
  said = '';
  notes = '';
  readonly status: Promise<number>;

  constructor(...args: string[]) {
    this.#output.on('data', (text: Buffer) => {
      this.said += text.toString();
    });
    this.status = runCli(['chat', ...args], [chatCommand({ input: this.input, output: this.#output })], {
      out: () => undefined,
      note: (text) => {
        this.notes += text;
      },
    });
  }

  type(...lines: string[]): void {
    for (const line of lines) this.input.write(`${line}\n`);
  }

  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.said))
      await once(this.#output, 'data', { signal: AbortSignal.timeout(60_000) });
  }

  async end(): Promise<number> {
    this.input.end();
    return this.status;
  }
}

let server: LiveServer;
let runs: Run[] = [];

before(async () => {
  server = await LiveServer.start();
});

after(() => server[Symbol.asyncDispose]());

// A test that failed must not leave anybody chatting.
afterEach(async () => {
  for (const run of runs) await run.end();
  runs = [];
});

function chat(name: string, ...args: string[]): Run {
  return chatAt(server, name, ...args);
}

function chatAt({ grpcAddress }: LiveServer, name: string, ...args: string[]): Run {
  const run = new Run(name, '--server', grpcAddress, ...args);
  runs.push(run);
  return run;
}

describe('parley chat', () => {
  test('two people talk', async () => {
    const ann = chat('ann', '--to', 'bob');
    const bob = chat('bob', '--to', 'ann');
    ann.type('hello');
    await bob.until(/^\d\d:\d\d ann: hello$/m);
    bob.type('hello ann');
    await ann.until(/^\d\d:\d\d bob: hello ann$/m);
    await ann.until(/^\d\d:\d\d you: hello$/m);
    ann.type('/recall');
    await bob.until(/\* ann took a message back/);
    assert.equal(await ann.end(), 0);
    await bob.until(/\* ann is offline/);
    bob.type('/quit');
    assert.equal(await bob.status, 0);
  });

  test('what was said before is there, and lines from a pipe are sent before it ends', async () => {
    const first = chat('eve', '--to', 'mia');
    first.type('one', 'two', 'three');
    assert.equal(await first.end(), 0);
    const mia = chat('mia');
    await mia.until(/\* eve: 3 unread|eve\s+3 unread/);
    mia.type('/list', '/to eve');
    await mia.until(/eve: one\n.*eve: two\n.*eve: three\n/);
    assert.equal(await mia.end(), 0);
  });

  test('a file of thousands of lines is sent whole', async () => {
    const count = 3_000;
    const pia = chat('pia', '--to', 'kim');
    pia.type(Array.from({ length: count }, (_, no) => `line ${no + 1}`).join('\n'));
    assert.equal(await pia.end(), 0);
    assert.doesNotMatch(pia.said, /^!/m);
    const kim = chat('kim');
    await kim.until(new RegExp(`\\* pia: ${count} unread`));
    assert.equal(await kim.end(), 0);
  });

  test('a script hears by the status that not all of its lines were sent', async () => {
    const pia = chat('pia', '--to', 'kim');
    pia.type('x'.repeat(100_000), 'short');
    assert.equal(await pia.end(), 1);
    assert.match(pia.said, /^! longer than/m);
    assert.match(pia.said, /you: short/);
  });

  test('a group is made, filled, used and left', async () => {
    const ann = chat('ann');
    const joe = chat('joe');
    ann.type('/create Team', '/add joe', 'welcome', '/members');
    await ann.until(/ {2}ann +owner\n {2}joe +member\n/);
    await joe.until(/\* Team: 1 unread/);
    joe.type('/group Team');
    await joe.until(/ann: welcome/);
    joe.type('/leave');
    await ann.until(/\* joe left/);
    joe.type('am I still here?');
    await joe.until(/! not sent: you are not a member: am I still here\?/);
    await ann.end();
    assert.equal(await joe.end(), 1);
  });

  test('what does not work is said, and nothing ends', async () => {
    const ann = chat('ann');
    ann.type('to nobody', '/nonsense', '/to', '/group no-such-group', '/help');
    await ann.until(/first say where/);
    await ann.until(/there is no \/nonsense/);
    await ann.until(/it needs a user/);
    await ann.until(/! there is no such conversation/);
    await ann.until(/\/recall +take your last message back/);
    assert.equal(await ann.end(), 1, 'a line went nowhere');
  });

  test('a message can not write on the reader’s terminal', async () => {
    const ann = chat('ann', '--to', 'zoe');
    const zoe = chat('zoe', '--to', 'ann');
    ann.type('\u001b[2Jgone\u009b1m');
    await zoe.until(/ann: \ufffd\[2Jgone\ufffd1m/);
    assert.ok(!zoe.said.includes('\u001b'));
    await ann.end();
    await zoe.end();
  });

  test('without a server it says so', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as { port: number };
    free.close();
    await once(free, 'close');
    const run = new Run('ann', '--server', `127.0.0.1:${port}`);
    assert.equal(await run.status, 1);
    assert.match(run.notes, /no Parley server at 127\.0\.0\.1:\d+ \(no connection\).*parley start/);
  });

  test('a token that is none is refused', async () => {
    const run = chat('ann', '--token', 'nonsense');
    assert.equal(await run.status, 1);
    assert.match(run.notes, /refuses: the server does not accept the token/);
  });

  test('wrong arguments end with how to use it', async () => {
    for (const args of [
      ['ann', '--to', 'bob', '--group', 'g'],
      ['ann', '--server', 'localhost'],
      ['ann', '--server', 'http://localhost:1'],
    ]) {
      const run = new Run(...args);
      assert.equal(await run.status, 2);
    }
  });

  test('a server with TLS is believed whom the authorities in a file vouch for', async () => {
    await using authority = await Authority.make();
    await authority.sign('node', { names: 'IP:127.0.0.1' });
    const { cert, key, ca } = authority.files('node');
    await using secure = await LiveServer.start({ PARLEY_GRPC_TLS_CERT: cert, PARLEY_GRPC_TLS_KEY: key });
    const noa = chatAt(secure, 'noa', '--to', 'noa', '--ca', ca);
    noa.type('a note');
    await noa.until(/you: a note/);
    assert.equal(await noa.end(), 0);
    const stranger = chatAt(secure, 'noa', '--tls');
    assert.equal(await stranger.status, 1);
    assert.match(stranger.notes, /there is no Parley server/);
    for (const [file, says] of [
      [key, /has no certificates/],
      [`${key} is not there`, /no such file/],
    ] as const) {
      const run = chatAt(secure, 'noa', '--ca', file);
      assert.equal(await run.status, 2);
      assert.match(run.notes, says);
    }
  });
});
