import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { IdService } from '../gen/parley/chat/v1/id_pb.ts';
import { connectUnary } from './connect-unary.ts';
import { ChatError } from './types.ts';

const { allocateIds } = IdService.method;

/** A server that answers so, and what it was asked. */
function server(answer: () => Response) {
  const asked: { readonly url: string; readonly init: RequestInit }[] = [];
  const call = {
    baseUrl: 'http://chat',
    headers: { authorization: 'Bearer t' },
    timeoutMs: 5_000,
    init: { cache: 'no-store' } as const,
    fetch: async (url: string | URL | Request, init: RequestInit = {}) => {
      asked.push({ url: String(url), init });
      return answer();
    },
  };
  return { asked, call };
}

const isLost = (error: unknown) => error instanceof ChatError && error.reason === 'connectionLost';

describe('a unary call by the Connect protocol', () => {
  it('says who calls, what, and how long it waits', async () => {
    const answer = create(allocateIds.output, { ids: [7n] });
    const { asked, call } = server(() => new Response(toBinary(allocateIds.output, answer) as BodyInit));
    assert.deepEqual((await connectUnary(call, allocateIds, { count: 1 })).ids, [7n]);
    const [{ url, init } = assert.fail()] = asked;
    assert.equal(url, 'http://chat/parley.chat.v1.IdService/AllocateIds');
    assert.deepEqual([init.method, init.cache], ['POST', 'no-store']);
    assert.deepEqual(init.headers, {
      authorization: 'Bearer t',
      'content-type': 'application/proto',
      'connect-protocol-version': '1',
      'connect-timeout-ms': '5000',
    });
    assert.equal(fromBinary(allocateIds.input, init.body as Uint8Array).count, 1);
  });

  it('is lost where nobody answers', async () => {
    const { call } = server(() => {
      throw new TypeError('fetch failed');
    });
    await assert.rejects(connectUnary(call, allocateIds, { count: 1 }), isLost);
  });

  it('is refused as the server says', async () => {
    const refusal = { code: 'unauthenticated', message: 'no' };
    const { call } = server(() => new Response(JSON.stringify(refusal), { status: 401 }));
    await assert.rejects(
      connectUnary(call, allocateIds, { count: 1 }),
      (error) => error instanceof ChatError && error.reason === 'tokenInvalid',
    );
  });

  it('that can’t be encoded is its caller’s mistake, and asks nobody', async () => {
    const { asked, call } = server(() => new Response());
    await assert.rejects(
      connectUnary(call, allocateIds, { count: 2 ** 40 }),
      (error) => !(error instanceof ChatError),
    );
    assert.equal(asked.length, 0);
  });
});
