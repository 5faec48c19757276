import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../services/core/fault.ts';
import { BridgeFixture, doorTest } from '../testing/bridge-fixture.ts';
import { ask, scripted } from '../testing/rest-kit.ts';
import { routes } from './routes.ts';

doorTest('refusals of the server keep their reason', async (start) => {
  await using fixture = await start();
  const cases: [Fault, number][] = [
    [new Fault('notMember'), 403],
    [new Fault('conversationNotFound'), 404],
    [new Fault('groupExists'), 409],
    [new Fault('emptyContent', { field: 'send.body.text' }), 400],
    [new Fault('contentTooLarge'), 413],
    [new Fault('tokenMissing'), 401],
    [new Fault('rateLimited', { retryAfterMs: 1_500 }), 429],
    [new Fault('storeUnavailable'), 503],
  ];
  for (const [fault, status] of cases) {
    scripted(fixture, {
      GetGroup: () => {
        throw fault;
      },
    });
    const answer = await ask(fixture, 'GET /groups/g');
    const { message, spec, retryAfterMs } = fault;
    assert.deepEqual(answer, {
      code: status,
      reason: fault.reason,
      message,
      retry: spec.retry,
      retry_after_ms: retryAfterMs,
      field: fault.field,
    });
  }
  scripted(fixture, {
    GetGroup: () => {
      throw new Error('secret');
    },
  });
  assert.deepEqual(await ask(fixture, 'GET /groups/g'), {
    code: 500,
    reason: 'internal',
    message: 'internal error',
    retry: 'here',
    retry_after_ms: 0,
    field: '',
  });
});

test('requests that are wrong are refused here, with the field at fault', async () => {
  await using fixture = await BridgeFixture.start({ config: { maxBodyBytes: 2_000 } });
  const calls = scripted(fixture, {});
  const send = 'POST /messages/send';
  const cases: [string, unknown, number, string, string][] = [
    [send, '{', 400, 'malformedFrame', ''],
    [send, '[]', 400, 'malformedFrame', ''],
    [send, 'null', 400, 'malformedFrame', ''],
    [send, { content: 'x' }, 400, 'invalidField', 'conv_id'],
    [send, { conv_id: 'g', to: 'bob', content: 'x' }, 400, 'invalidField', 'conv_id'],
    [send, { conv_id: 'g' }, 400, 'invalidField', 'content'],
    [send, { conv_id: 'g', content: 5 }, 400, 'invalidField', 'content'],
    [send, { conv_id: ['g'], content: 'x' }, 400, 'invalidField', 'conv_id'],
    [send, '{"conv_id":"g","content":"\\ud800"}', 400, 'invalidField', 'content'],
    [send, '{"conv_id":9007199254740993,"content":"x"}', 400, 'invalidField', 'conv_id'],
    [send, { conv_id: 'g', content: 'x', reply_to_seq: -1 }, 400, 'invalidField', 'reply_to_seq'],
    [send, { conv_id: 'g', content: 'x', attributes: { a: 1 } }, 400, 'invalidField', 'attributes.a'],
    [send, { conv_id: 'g', content: 'x'.repeat(3_000) }, 413, 'frameTooLarge', ''],
    [send, { conv_id: 'g', content: 'x'.repeat(50_000) }, 413, 'frameTooLarge', ''],
    ['POST /messages/ack', { msg_id: '99999999999999999999' }, 400, 'invalidField', 'msg_id'],
    ['POST /messages/ack', { conv_id: 'g' }, 400, 'invalidField', 'msg_id'],
    [
      'POST /messages/send-batch',
      {
        sends: [
          { to: 'bob', content: 'x', client_id: 'a' },
          { content: 'x', client_id: 'b' },
        ],
      },
      400,
      'invalidField',
      'sends[1].conv_id',
    ],
    ['POST /messages/ack', { items: 'all' }, 400, 'invalidField', 'items'],
    ['GET /conversations?page_size=many', undefined, 400, 'invalidField', 'page_size'],
    ['GET /conversations?page_size=-1', undefined, 400, 'invalidField', 'page_size'],
    ['GET /conversations?page_size=4294967296', undefined, 400, 'invalidField', 'page_size'],
    ['GET /conversations/g/messages?from_seq=9007199254740993', undefined, 400, 'invalidField', 'from_seq'],
    ['GET /conversations/g/messages?backward=yes', undefined, 400, 'invalidField', 'backward'],
    ['GET /conversations/g/messages/first', undefined, 400, 'invalidField', 'seq'],
    ['PUT /groups/g/members/bob/role', { role: 'king' }, 400, 'invalidField', 'role'],
    ['GET /nothing', undefined, 404, 'notFound', ''],
    ['GET /groups/%ff', undefined, 404, 'notFound', ''],
    ['PUT /groups/g', {}, 405, 'methodNotAllowed', ''],
  ];
  for (const [line, body, code, reason, field] of cases) {
    const answer = await ask(fixture, line, body);
    assert.deepEqual(
      [answer.code, answer.reason, answer.field],
      [code, reason, field],
      `${line} ${JSON.stringify(body)}`.slice(0, 120),
    );
    assert.equal(answer.retry, 'never');
  }
  const typeless = await fetch(`${fixture.url}/api/v1/messages/send`, { method: 'POST', body: '{}' });
  assert.equal(typeless.status, 415);
  const key = await ask(fixture, send, { conv_id: 'g', content: 'x' }, { 'idempotency-key': 'k'.repeat(65) });
  assert.deepEqual([key.code, key.field], [400, 'Idempotency-Key']);
  assert.deepEqual(calls, []);
});

test('the OpenAPI document describes every route and nothing else', async () => {
  await using fixture = await BridgeFixture.start();
  const response = await fetch(`${fixture.url}/api/v1/openapi.json`);
  const document = (await response.json()) as {
    openapi: string;
    paths: Record<
      string,
      Record<string, { operationId: string; parameters?: { name: string; in: string }[] }>
    >;
  };
  assert.equal(document.openapi, '3.1.0');
  const described = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  assert.deepEqual(described.sort(), routes.map(({ method, path }) => `${method} ${path}`).sort());
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, routes.length);
  for (const [path, operation] of Object.entries(document.paths)) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    for (const { parameters } of Object.values(operation))
      assert.deepEqual(
        (parameters ?? []).filter((one) => one.in === 'path').map(({ name }) => name),
        named,
        path,
      );
  }
});
