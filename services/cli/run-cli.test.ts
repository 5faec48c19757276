import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../core/config.ts';
import { type Arguments, type Command, UsageError } from './command.ts';
import { runCli } from './run-cli.ts';

function fixture() {
  const ran: Arguments[] = [];
  const start: Command = {
    name: 'start',
    operands: '',
    summary: 'Run the server.',
    options: {
      roles: { value: 'ROLES', doc: 'Which parts.' },
      quiet: { doc: 'Say less.' },
    },
    least: 0,
    most: 0,
    run: async (args) => {
      ran.push(args);
      if (args.flags.has('quiet'))
        throw new ConfigError(['PARLEY_A must be a number', 'PARLEY_B must be text']);
      if (args.values.get('roles')?.[0] === 'none') throw new UsageError('no roles');
      if (args.values.get('roles')?.[0] === 'bug') throw new TypeError('bug');
      return 7;
    },
  };
  const chat: Command = {
    ...start,
    name: 'chat',
    operands: 'NAME',
    options: {},
    least: 1,
    most: 2,
    run: async (args) => (ran.push(args), 0),
  };
  const run = async (...argv: string[]) => {
    let out = '';
    let note = '';
    const io = { out: (text: string) => void (out += text), note: (text: string) => void (note += text) };
    const code = await runCli(argv, [start, chat], io);
    return { code, out, note };
  };
  return { ran, run };
}

test('a command gets its options, flags and operands, and gives the status', async () => {
  const { ran, run } = fixture();
  assert.equal((await run('start', '--roles', 'edge', '--roles=message')).code, 7);
  assert.deepEqual(ran[0], {
    operands: [],
    values: new Map([['roles', ['edge', 'message']]]),
    flags: new Set(),
  });
  assert.equal((await run('chat', 'ann', '--', '--roles')).code, 0);
  assert.deepEqual(ran[1]?.operands, ['ann', '--roles']);
  await run('chat', '-');
  assert.deepEqual(ran[2]?.operands, ['-']);
});

test('what is wrong on the command line is named, with status 2', async () => {
  const { ran, run } = fixture();
  const wrong: [string[], RegExp][] = [
    [['strat'], /unknown command strat; did you mean start\?/],
    [['elephants'], /unknown command elephants\n/],
    [['--roles', 'edge'], /unknown option --roles; a command comes first/],
    [['start', '--rolse', 'edge'], /start has no option --rolse; did you mean --roles\?/],
    [['start', '-q'], /start has no option -q/],
    [['start', '--constructor'], /start has no option --constructor/],
    [['start', '--roles'], /--roles needs a value: --roles ROLES/],
    [['start', '--quiet=yes'], /--quiet takes no value/],
    [['start', 'now'], /start takes no further "now"/],
    [['chat'], /chat needs NAME/],
    [['help', 'strat'], /did you mean start\?/],
  ];
  for (const [argv, expected] of wrong) {
    const { code, out, note } = await run(...argv);
    assert.equal(code, 2, argv.join(' '));
    assert.match(note, expected);
    assert.equal(out, '');
  }
  assert.deepEqual(ran, []);
  assert.equal((await run('start', '--roles', 'none')).code, 2);
});

test('a wrong configuration is told variable by variable, with status 1; bugs are not swallowed', async () => {
  const { run } = fixture();
  assert.deepEqual(await run('start', '--quiet'), {
    code: 1,
    out: '',
    note: 'parley: PARLEY_A must be a number\nparley: PARLEY_B must be text\n',
  });
  await assert.rejects(run('start', '--roles', 'bug'), TypeError);
});

test('help and version', async () => {
  const { run } = fixture();
  for (const argv of [[], ['help'], ['--help'], ['-h']]) {
    const { code, out } = await run(...argv);
    assert.equal(code, 0);
    assert.match(out, /^ {2}start {16}Run the server\.$/m);
  }
  assert.match((await run('help', 'start')).out, /--roles ROLES {8}Which parts/);
  assert.match((await run('start', '--quiet', '--help')).out, /^Usage: parley start \[OPTIONS\]$/m);
  assert.match((await run('--version')).out, /^\d+\.\d+\.\d+\n$/);
});
