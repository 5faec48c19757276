import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Every rule of .oxlintrc.json that is this project's own, on samples of what it refuses and of what it takes. */

const root = fileURLToPath(new URL('..', import.meta.url));

interface Imports {
  readonly in: string;
  readonly may: readonly string[];
  readonly mayNot: readonly string[];
}

const roles = ['connection', 'message', 'group', 'push'];

const imports: readonly Imports[] = [
  {
    in: 'services/core/x.ts',
    may: ['node:fs', 'node:fs/promises', 'pino', 'zod', '@opentelemetry/api', './y.ts'],
    mayNot: ['../codec/y.ts', '../../gen/y.ts', 'ws', '@bufbuild/protobuf'],
  },
  {
    in: 'services/codec/x.ts',
    may: ['../core/y.ts', '../../gen/a/y.ts', '@bufbuild/protobuf'],
    mayNot: ['../ports/y.ts', '../message/y.ts', '@bufbuild/buf'],
  },
  {
    in: 'services/ports/x.ts',
    may: ['../core/y.ts', '../../gen/a/y.ts'],
    mayNot: ['../adapters/embedded/y.ts', '../codec/y.ts', 'classic-level'],
  },
  {
    in: 'services/archive/x.ts',
    may: ['../core/y.ts', '../ports/y.ts', 'node:zlib', 'zod'],
    mayNot: ['../adapters/mysql/y.ts', '../message/y.ts', 'mysql2'],
  },
  {
    in: 'services/adapters/embedded/x.ts',
    may: ['../../core/y.ts', '../../ports/y.ts', 'classic-level'],
    mayNot: ['../mysql/y.ts', '../../message/y.ts', 'mysql2/promise'],
  },
  {
    in: 'services/adapters/mysql/x.ts',
    may: ['../../ports/y.ts', '../../core/y.ts', 'mysql2', 'zod'],
    mayNot: ['classic-level', 'ioredis', '../embedded/y.ts', '../../../test/engines/shared.ts'],
  },
  {
    in: 'services/adapters/kafka/x.ts',
    may: ['../../core/y.ts', '../../ports/y.ts', '@platformatic/kafka'],
    mayNot: ['../local/y.ts', '../../push/y.ts', 'ioredis'],
  },
  {
    in: 'services/adapters/redis/x.ts',
    may: ['../../core/y.ts', '../../ports/y.ts', 'ioredis', 'redis-om', 'zod'],
    mayNot: ['../memory/y.ts', '../../connection/y.ts', 'classic-level'],
  },
  {
    in: 'services/peer/x.ts',
    may: ['../core/y.ts', '../codec/y.ts', '../ports/y.ts', '../../gen/a/y.ts'],
    mayNot: ['../message/y.ts', '../grpc/y.ts', '@grpc/grpc-js'],
  },
  {
    in: 'services/admin/x.ts',
    may: ['../core/y.ts', '../peer/y.ts', '../ports/y.ts', '../../gen/a/y.ts', 'zod'],
    mayNot: ['../message/y.ts', '../connection/y.ts', '../grpc/y.ts', '@grpc/grpc-js'],
  },
  {
    in: 'services/grpc/x.ts',
    may: ['../core/y.ts', '../peer/y.ts', '@grpc/grpc-js', '@grpc/reflection'],
    mayNot: ['../connection/y.ts', '../codec/y.ts', '@connectrpc/connect'],
  },
  {
    in: 'services/connect/x.ts',
    may: ['../core/y.ts', '../peer/y.ts', '@connectrpc/connect-node'],
    mayNot: ['../connection/y.ts', '@grpc/grpc-js', '../../bridge/y.ts'],
  },
  ...roles.flatMap((role) => {
    const others = roles.filter((other) => other !== role);
    return [
      {
        in: `services/${role}/x.ts`,
        may: ['../core/y.ts', '../codec/y.ts', '../ports/y.ts', '../peer/y.ts', '../../gen/a/y.ts'],
        mayNot: [
          ...others.map((other) => `../${other}/y.ts`),
          ...['../adapters/embedded/y.ts', '../grpc/y.ts', '../connect/y.ts', '../main.ts'],
          ...['../../sdk/y.ts', '../../bridge/y.ts', '@grpc/grpc-js', 'ws'],
          ...(role === 'push' ? [] : ['web-push']),
        ],
      },
      {
        in: `services/${role}/routes/x.ts`,
        may: ['../y.ts', '../../core/y.ts', '../../../gen/a/y.ts'],
        mayNot: others.map((other) => `../../${other}/y.ts`),
      },
    ];
  }),
  {
    in: 'services/push/providers/x.ts',
    may: ['../y.ts', '../../core/y.ts', '../../ports/y.ts', 'jose', 'lru-cache', 'web-push'],
    mayNot: ['../../message/y.ts', '../../adapters/redis/y.ts', '@grpc/grpc-js'],
  },
  {
    in: 'services/main.ts',
    may: ['./message/y.ts', './adapters/embedded/y.ts', '../bridge/y.ts', '../sdk/y.ts'],
    mayNot: ['@grpc/grpc-js', 'classic-level', 'ioredis'],
  },
  {
    in: 'bridge/x.ts',
    may: ['../services/core/y.ts', '../services/codec/y.ts', '../gen/a/y.ts', './rest/y.ts', 'ws'],
    mayNot: [
      ...['../services/message/y.ts', '../services/ports/y.ts', '../services/adapters/embedded/y.ts'],
      ...['../services/main.ts', '../sdk/y.ts', './web/y.ts', '@grpc/grpc-js'],
    ],
  },
  {
    in: 'bridge/rest/x.ts',
    may: ['../y.ts', '../dialects/y.ts', '../../services/core/y.ts', '@connectrpc/connect'],
    mayNot: ['../../services/connection/y.ts', '../../services/peer/y.ts'],
  },
  {
    in: 'bridge/web/app/x.tsx',
    may: ['../ui/y.tsx', '../../../sdk/y.ts', '../../../gen/a/y.ts', 'preact/hooks'],
    mayNot: ['../../y.ts', '../../rest/y.ts', '../../../services/core/y.ts', 'node:fs', 'ws'],
  },
  {
    in: 'sdk/x.ts',
    may: ['./y.ts', '../gen/a/y.ts', '@bufbuild/protobuf', '@bufbuild/protobuf/wire'],
    mayNot: ['../services/core/y.ts', '../bridge/y.ts', 'node:fs', 'ws', '@grpc/grpc-js'],
  },
  {
    in: 'sdk/transport-grpc.ts',
    may: ['./y.ts', '@grpc/grpc-js', 'node:tls'],
    mayNot: ['../services/grpc/y.ts', 'ws'],
  },
  {
    in: 'services/adapters/mysql/x.test.ts',
    may: ['../../../test/engines/shared.ts', '../../../test/engines/mariadb.ts', 'mysql2/promise'],
    mayNot: [],
  },
  { in: 'services/message/x.test.ts', may: ['../adapters/embedded/y.ts', '@grpc/grpc-js'], mayNot: [] },
  { in: 'bridge/testing/x.ts', may: ['../../services/message/y.ts'], mayNot: [] },
];

interface Sample {
  readonly in: string;
  readonly source: string;
  /** The rule that must speak; undefined where none may. */
  readonly rule?: string;
}

const samples: readonly Sample[] = [
  { in: 'services/core/print.ts', source: `console.log('x');`, rule: 'no-console' },
  { in: 'bridge/print.ts', source: `console.error('x');`, rule: 'no-console' },
  { in: 'scripts/print.ts', source: `console.log('x');` },
  { in: 'services/message/env.ts', source: 'export const home = process.env.HOME;', rule: 'no-process-env' },
  { in: 'services/core/config.ts', source: 'export const home = process.env.HOME;' },
  {
    in: 'bridge/web/chat/new.ts',
    source: `export const url = URL.parse('x:y');`,
    rule: 'no-restricted-properties',
  },
  { in: 'sdk/new.ts', source: `export const url = URL.parse('x:y');`, rule: 'no-restricted-properties' },
  {
    in: 'bridge/web/admin/new.ts',
    source: 'export const id = crypto.randomUUID();',
    rule: 'no-restricted-properties',
  },
  { in: 'bridge/new.ts', source: `export const url = URL.parse('x:y');` },
  { in: 'services/core/float.ts', source: `Promise.reject(new Error('x'));`, rule: 'no-floating-promises' },
  { in: 'sdk/float.test.ts', source: `import { it } from 'node:test';\nit('tests', async () => {});` },
  {
    in: 'services/core/misuse.ts',
    source: `[1].forEach(async (n) => await Promise.resolve(n));`,
    rule: 'no-misused-promises',
  },
  { in: 'services/core/any.ts', source: 'export const a: any = 1;', rule: 'no-explicit-any' },
  { in: 'services/core/default.ts', source: 'export default 1;', rule: 'no-restricted-exports' },
  { in: 'services/core/throw.ts', source: `throw 'x';`, rule: 'only-throw-error' },
  {
    in: 'services/core/equal.ts',
    source: 'export const same = (a: number, b: number) => a == b;',
    rule: 'eqeqeq',
  },
  {
    in: 'services/core/switch.ts',
    source: `export function f(t: 'a' | 'b') {\n  switch (t) {\n    case 'a':\n      return 1;\n  }\n  return 2;\n}`,
    rule: 'switch-exhaustiveness-check',
  },
  {
    in: 'services/core/one.ts',
    source: `import { two } from './two.ts';\nexport const one = (): unknown => two;`,
    rule: 'no-cycle',
  },
  {
    in: 'services/core/two.ts',
    source: `import { one } from './one.ts';\nexport const two = (): unknown => one;`,
    rule: 'no-cycle',
  },
];

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
  readonly labels: readonly { readonly span: { readonly line: number } }[];
}

describe('lint', () => {
  let dir = '';
  let diagnostics: readonly Diagnostic[] = [];

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'parley-lint-'));
    for (const file of ['.oxlintrc.json', 'tsconfig.json']) await cp(join(root, file), join(dir, file));
    await symlink(join(root, 'node_modules'), join(dir, 'node_modules'));
    for (const each of imports) {
      const specifiers = [...each.may, ...each.mayNot];
      await write(each.in, specifiers.map((specifier) => `export * from '${specifier}';`).join('\n'));
    }
    for (const each of samples) await write(each.in, each.source);
    diagnostics = await lint();
  });
  after(() => rm(dir, { recursive: true, force: true }));

  async function write(path: string, source: string): Promise<void> {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), `${source}\n`);
  }

  async function lint(): Promise<readonly Diagnostic[]> {
    const oxlint = join(root, 'node_modules', '.bin', 'oxlint');
    // It ends with 1, since it finds what it should find.
    const { stdout } = await promisify(execFile)(oxlint, ['--format', 'json'], {
      cwd: dir,
      maxBuffer: 16 * 1024 * 1024,
    }).catch((error: { stdout: string }) => error);
    return JSON.parse(stdout).diagnostics;
  }

  /** What spoke in a file: rules, each with the line. */
  function found(path: string): { readonly rule: string; readonly line: number }[] {
    return diagnostics
      .filter(({ filename }) => filename === path)
      .map(({ code, labels }) => ({ rule: code.replace(/^.*\(|\)$/g, ''), line: labels[0]?.span.line ?? 0 }));
  }

  for (const { in: path, may, mayNot } of imports) {
    it(`says what ${path} may import`, () => {
      const specifiers = [...may, ...mayNot];
      const refused = found(path)
        .filter(({ rule }) => rule === 'no-restricted-imports')
        .map(({ line }) => specifiers[line - 1]);
      assert.deepEqual(refused.sort(), [...mayNot].sort());
    });
  }

  for (const { in: path, rule } of samples) {
    it(rule === undefined ? `has nothing against ${path}` : `knows ${rule} in ${path}`, () => {
      const spoke = found(path).map((each) => each.rule);
      if (rule === undefined) assert.deepEqual(spoke, []);
      else assert.ok(spoke.includes(rule), `instead: ${spoke.join(', ') || 'nothing'}`);
    });
  }
});
