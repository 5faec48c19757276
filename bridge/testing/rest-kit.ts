import assert from 'node:assert/strict';
import type { CallContext } from '../../services/core/door.ts';
import { Fault } from '../../services/core/fault.ts';
import type { BridgeFixture } from './bridge-fixture.ts';

export interface Call {
  readonly rpc: string;
  readonly request: Record<string, unknown>;
  readonly context: CallContext;
}

/** Answers of the host by method, and what it was asked last. */
export function scripted(fixture: BridgeFixture, answers: Record<string, () => unknown>): Call[] {
  const calls: Call[] = [];
  fixture.host.answer = (rpc, request, context) => {
    calls.push({ rpc, request: request as Record<string, unknown>, context });
    const answer = answers[rpc.split('/')[1] as string];
    if (answer === undefined) throw new Fault('unknownCommand', { message: rpc });
    return answer();
  };
  return calls;
}

export async function ask(
  fixture: BridgeFixture,
  line: string,
  body?: unknown,
  headers: Record<string, string> = {},
) {
  const [method, path] = line.split(' ') as [string, string];
  const response = await fetch(`${fixture.url}/api/v1${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  assert.equal(answer.code, response.status);
  return answer;
}
