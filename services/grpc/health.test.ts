import { type Client, loadPackageDefinition, type ServiceError, status } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { openDoor } from './door-fixture.ts';

type Health = Client & {
  check(
    request: { service: string },
    reply: (error: ServiceError | null, response: { status: string }) => void,
  ): void;
  watch(request: { service: string }): ReturnType<Client['makeServerStreamRequest']>;
};
const HealthClient = loadPackageDefinition({ Health: healthService }).Health as unknown as new (
  ...args: ConstructorParameters<typeof Client>
) => Health;

async function openHealth() {
  const fixture = await openDoor();
  const plain = fixture.client();
  const channel = plain.getChannel();
  const health = new HealthClient('unused', {} as never, { channelOverride: channel });
  const check = (service: string) =>
    new Promise<string>((resolve) =>
      health.check({ service }, (error, response) =>
        resolve(error ? `error ${error.code}` : response.status),
      ),
    );
  return { fixture, health, check, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() };
}

test('the server and each of its services are healthy; others are unknown', async () => {
  await using server = await openHealth();
  assert.equal(await server.check(''), 'SERVING');
  assert.equal(await server.check('parley.chat.v1.SessionService'), 'SERVING');
  assert.equal(await server.check('no.such.Service'), `error ${status.NOT_FOUND}`);
});

test('watchers hear of draining', async () => {
  await using server = await openHealth();
  const watch = server.health.watch({ service: '' });
  watch.on('error', () => {});
  assert.deepEqual(await once(watch, 'data'), [{ status: 'SERVING' }]);
  const changed = once(watch, 'data');
  await server.fixture.door.drain(1_000);
  assert.deepEqual(await changed, [{ status: 'NOT_SERVING' }]);
  watch.cancel();
});

test('watching a name that is nobody’s says so', async () => {
  await using server = await openHealth();
  const watch = server.health.watch({ service: 'no.such.Service' });
  watch.on('error', () => {});
  assert.deepEqual(await once(watch, 'data'), [{ status: 'SERVICE_UNKNOWN' }]);
  watch.cancel();
});
