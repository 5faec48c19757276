import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import {
  ConfigError,
  describeOptions,
  loadConfig,
  nearest,
  option,
  type OptionTable,
  unknownVariables,
} from './config.ts';

const peer = {
  pingMs: option({ env: 'PARLEY_PEER_PING_MS', type: z.int().min(100), default: 500, doc: 'Quiet time.' }),
  ratio: option({ env: 'PARLEY_PEER_RATIO', type: z.number().positive(), default: 0.5, doc: 'A ratio.' }),
  roles: option({
    env: 'PARLEY_ROLES',
    type: z.array(z.enum(['edge', 'message'])).min(1),
    default: ['edge', 'message'],
    doc: 'Roles.',
  }),
  trace: option({ env: 'PARLEY_TRACE', type: z.boolean(), default: false, doc: 'Whether.' }),
} satisfies OptionTable;
const auth = {
  secret: option<string | undefined>({
    env: 'PARLEY_SECRET',
    type: z.string().min(32).optional(),
    default: undefined,
    doc: 'Key.',
    secret: true,
  }),
} satisfies OptionTable;
const tables = { peer, auth };

const problemsOf = (env: Record<string, string>): readonly string[] => {
  try {
    loadConfig(tables, env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
  return [];
};

test('defaults fill what is unset or empty, and the result is frozen', () => {
  const config = loadConfig(tables, { PARLEY_PEER_PING_MS: '', PARLEY_TRACE: '1' });
  const pingMs: number = config.peer.pingMs;
  assert.equal(pingMs, 500);
  assert.deepEqual(config.peer.roles, ['edge', 'message']);
  assert.equal(config.peer.trace, true);
  assert.equal(config.auth.secret, undefined);
  assert.throws(() => Object.assign(config.peer, { pingMs: 1 }), TypeError);
});

test('texts become what the type asks for', () => {
  const config = loadConfig(tables, {
    PARLEY_PEER_PING_MS: '250',
    PARLEY_PEER_RATIO: '0.25',
    PARLEY_ROLES: 'message, edge',
    PARLEY_TRACE: 'false',
  });
  assert.deepEqual(config.peer, { pingMs: 250, ratio: 0.25, roles: ['message', 'edge'], trace: false });
});

test('a bad value names its variable and what it wants', () => {
  for (const bad of ['abc', '1e3', '0x64', ' 200', '99', '100.5', '9007199254740993']) {
    assert.deepEqual(problemsOf({ PARLEY_PEER_PING_MS: bad }), [
      `PARLEY_PEER_PING_MS must be an integer of at least 100; it is "${bad}"`,
    ]);
  }
  assert.deepEqual(problemsOf({ PARLEY_TRACE: 'yes', PARLEY_ROLES: 'edge,nope' }), [
    'PARLEY_ROLES must be a comma-separated list, each one of edge, message; it is "edge,nope"',
    'PARLEY_TRACE must be true or false; it is "yes"',
  ]);
});

test('a bad secret is not shown', () => {
  assert.deepEqual(problemsOf({ PARLEY_SECRET: 'hunter2' }), [
    'PARLEY_SECRET must be text of at least 32 characters',
  ]);
});

test('unknown variables are told, with what was likely meant', () => {
  assert.deepEqual(
    unknownVariables(tables, {
      PARLEY_PEER_PNIG_MS: '1',
      PARLEY_ELEPHANTS: '2',
      PATH: '/bin',
      PARLEY_ROLES: 'edge',
    }),
    [
      'PARLEY_ELEPHANTS is not an option',
      'PARLEY_PEER_PNIG_MS is not an option; did you mean PARLEY_PEER_PING_MS?',
    ],
  );
  assert.equal(nearest('tokne', ['token', 'chat']), 'token');
  assert.equal(nearest('x', ['token', 'chat']), undefined);
});

test('options are described as one would write them', () => {
  assert.deepEqual(describeOptions({ auth, peer: { roles: peer.roles } }), [
    {
      part: 'auth',
      options: [
        {
          env: 'PARLEY_SECRET',
          fileEnv: 'PARLEY_SECRET_FILE',
          wants: 'text of at least 32 characters',
          default: '',
          doc: 'Key.',
        },
      ],
    },
    {
      part: 'peer',
      options: [
        {
          env: 'PARLEY_ROLES',
          fileEnv: undefined,
          wants: 'a comma-separated list, each one of edge, message',
          default: 'edge,message',
          doc: 'Roles.',
        },
      ],
    },
  ]);
});

test('a secret may be in a file: read without its line end, or named with what is wrong', () => {
  const directory = mkdtempSync(join(tmpdir(), 'parley-config-'));
  try {
    const file = join(directory, 'secret');
    const secret = 'a secret that is long enough for it';
    writeFileSync(file, `${secret}\n`);
    assert.equal(loadConfig(tables, { PARLEY_SECRET_FILE: file }).auth.secret, secret);
    assert.deepEqual(unknownVariables(tables, { PARLEY_SECRET_FILE: file }), []);
    // Unset as everything is that is empty.
    assert.equal(loadConfig(tables, { PARLEY_SECRET_FILE: '' }).auth.secret, undefined);

    writeFileSync(file, 'short');
    const [tooShort = ''] = problemsOf({ PARLEY_SECRET_FILE: file });
    assert.match(tooShort, /^PARLEY_SECRET must be/);
    assert.doesNotMatch(tooShort, /short/);
    writeFileSync(file, '\n');
    assert.deepEqual(problemsOf({ PARLEY_SECRET_FILE: file }), [
      `PARLEY_SECRET_FILE must name a file with the value; ${file} is empty`,
    ]);
    assert.deepEqual(problemsOf({ PARLEY_SECRET_FILE: `${file}s` }), [
      `PARLEY_SECRET_FILE must name a file that can be read; ${file}s can't (ENOENT)`,
    ]);
    assert.deepEqual(problemsOf({ PARLEY_SECRET_FILE: file, PARLEY_SECRET: secret }), [
      'PARLEY_SECRET_FILE must not be set beside PARLEY_SECRET',
    ]);
    // What is no secret is not looked for in files.
    assert.deepEqual(unknownVariables(tables, { PARLEY_TRACE_FILE: file }), [
      'PARLEY_TRACE_FILE is not an option',
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
