import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logFields } from './log-fields.ts';
import { prettyLine } from './log-pretty.ts';
import { createLogger } from './log.ts';

function capture(level: 'debug' | 'info' | 'silent' = 'info') {
  const lines: string[] = [];
  const log = createLogger({ level, format: 'json' }, { write: (line) => void lines.push(line) });
  return { log, lines, records: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test('a line is JSON with ECS names', () => {
  const { log, records } = capture();
  log.child({ 'service.node.name': 'n1' }).info('session closed', {
    'event.action': 'session-closed',
    'parley.msg_id': 9007199254740993n,
  });
  log.debug('not written');
  const [record, ...others] = records();
  assert.equal(others.length, 0);
  const { '@timestamp': at, 'process.pid': pid, ...rest } = record ?? {};
  assert.ok(Number.isInteger(Date.parse(String(at))));
  assert.equal(pid, process.pid);
  assert.deepEqual(rest, {
    'log.level': 'info',
    'service.name': 'parley',
    'ecs.version': '8.11.0',
    'service.node.name': 'n1',
    'event.action': 'session-closed',
    'parley.msg_id': '9007199254740993',
    message: 'session closed',
  });
});

test('errors carry type, code, causes and stack', () => {
  const { log, records } = capture();
  const error = Object.assign(new TypeError('outer', { cause: new Error('inner') }), { code: 'EIO' });
  log.error('failed', {}, error);
  log.warn('odd', {}, 'a thrown text');
  const [first, second] = records();
  assert.equal(first?.['error.type'], 'TypeError');
  assert.equal(first?.['error.code'], 'EIO');
  assert.equal(first?.['error.message'], 'outer ← Error: inner');
  assert.match(String(first?.['error.stack_trace']), /log\.test\.ts/);
  assert.equal(second?.['error.message'], 'a thrown text');
});

test('an error that is its own cause ends', () => {
  const { log, records } = capture();
  const error = new Error('loop');
  error.cause = error;
  log.error('failed', {}, error);
  assert.match(String(records()[0]?.['error.message']), /^loop/);
});

test('silent writes nothing', () => {
  const { log, lines } = capture('silent');
  log.error('failed');
  assert.deepEqual(lines, []);
});

test('lines for people hold message and particulars, without the fixed fields', () => {
  const { log, lines } = capture();
  log.warn('disk full', { 'event.action': 'disk-full', 'parley.rows': 12 });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control sequences.
  const text = prettyLine(lines[0] ?? '').replace(/\u001b\[\d+m/g, '');
  assert.match(text, /^\d\d:\d\d:\d\d warn disk full rows=12\n$/);
});

test('a field holds values or fields, never both: an index takes all of them', () => {
  const names = Object.keys(logFields);
  for (const name of names) {
    const within = names.filter((other) => other.startsWith(`${name}.`));
    assert.deepEqual(within, [], name);
    assert.match(name, /^(@timestamp|message|[a-z]+(\.[a-z_]+)+)$/);
  }
});
