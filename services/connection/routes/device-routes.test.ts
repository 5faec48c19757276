import assert from 'node:assert/strict';
import { createECDH } from 'node:crypto';
import { describe, it } from 'node:test';
import { create, type DescMethodUnary, type MessageInitShape } from '@bufbuild/protobuf';
import { DeviceService } from '../../../gen/parley/chat/v1/device_pb.ts';
import { Fault } from '../../core/fault.ts';
import type { DeviceRequest, Operation } from '../../peer/edge-frames.ts';
import { deviceRoutes } from './device-routes.ts';
import type { RouteContext } from './route.ts';

/** A call as it comes in: what was asked of the message node, or the fault. */
async function call<M extends DescMethodUnary>(
  method: M,
  request: MessageInitShape<M['input']>,
): Promise<DeviceRequest | undefined> {
  const asked: DeviceRequest[] = [];
  const context = {
    webPushKey: new Uint8Array(65),
    ask: async (op: Operation) => {
      if (op.t === 'device') asked.push(op.request);
      return { t: 'device', response: { case: op.t === 'device' ? op.request.case : '', value: {} } };
    },
  } as unknown as RouteContext;
  const handle = deviceRoutes[method.localName as keyof typeof deviceRoutes] as (
    message: object,
    context: RouteContext,
  ) => unknown;
  await handle(create(method.input, request), context);
  return asked[0];
}

const { registerDevice, removeDevice, setPushSettings, silenceConversation, getPushInfo } =
  DeviceService.method;
const curve = createECDH('prime256v1');
curve.generateKeys();
const p256dh = new Uint8Array(curve.getPublicKey());
const auth = new Uint8Array(16);

function browser(endpoint: string, keys: { p256dh?: Uint8Array; auth?: Uint8Array } = {}) {
  const value = { endpoint, p256dh, auth, ...keys };
  return { deviceId: 'd', target: { case: 'webPush' as const, value } };
}

function phone(token: string, rest: object = {}) {
  return { deviceId: 'd', target: { case: 'fcm' as const, value: { token } }, ...rest };
}

function quiet(fromMinute: number, toMinute: number, timeZone: string) {
  return { settings: { quietHours: { fromMinute, toMinute, timeZone } } };
}

/** What is refused, and at which field. */
const refused: readonly (readonly [string, DescMethodUnary, object, string])[] = [
  ['a device without an id', registerDevice, phone('t', { deviceId: '' }), 'device_id'],
  ['a device with a long id', registerDevice, phone('t', { deviceId: 'x'.repeat(65) }), 'device_id'],
  ['a device with a long name', registerDevice, phone('t', { name: 'x'.repeat(101) }), 'name'],
  ['a name that is no text', registerDevice, phone('t', { name: '\ud800' }), 'name'],
  ['a device without a target', registerDevice, { deviceId: 'd' }, 'target'],
  ['a token with odd characters', registerDevice, phone('a b'), 'target'],
  ['a token without end', registerDevice, phone('a'.repeat(4_097)), 'target'],
  ['an endpoint in clear', registerDevice, browser('http://push.example/x'), 'target'],
  ['an endpoint with a password', registerDevice, browser('https://a:b@push.example/x'), 'target'],
  ['an endpoint that is none', registerDevice, browser('here'), 'target'],
  [
    'a key off the curve',
    registerDevice,
    browser('https://p.example', { p256dh: new Uint8Array(65) }),
    'target',
  ],
  ['a short secret', registerDevice, browser('https://p.example', { auth: new Uint8Array(15) }), 'target'],
  ['nothing to remove', removeDevice, { deviceId: '' }, 'device_id'],
  ['a minute of tomorrow', setPushSettings, quiet(1_440, 0, 'UTC'), 'settings.quiet_hours.from_minute'],
  ['an end of tomorrow', setPushSettings, quiet(0, 1_440, 'UTC'), 'settings.quiet_hours.to_minute'],
  ['a zone that is none', setPushSettings, quiet(0, 1, 'Mars/Base'), 'settings.quiet_hours.time_zone'],
  ['a zone without summer', setPushSettings, quiet(0, 1, '+02:00'), 'settings.quiet_hours.time_zone'],
  ['no zone', setPushSettings, quiet(0, 1, ''), 'settings.quiet_hours.time_zone'],
  [
    'a time before all times',
    setPushSettings,
    { settings: { silencedUntilMs: -1n } },
    'settings.silenced_until_ms',
  ],
  ['a time beyond all times', silenceConversation, { convId: 'g', untilMs: 2n ** 53n }, 'until_ms'],
  ['a conversation without an id', silenceConversation, { convId: '', untilMs: 0n }, 'conv_id'],
];

describe('calls about devices', () => {
  for (const [name, method, request, field] of refused)
    it(`refuse ${name}`, async () => {
      await assert.rejects(call(method, request as never), (error) => {
        assert.ok(error instanceof Fault, String(error));
        assert.equal(error.field, field);
        return true;
      });
    });

  it('pass on what is sound, in the contract’s own words', async () => {
    const registered = await call(registerDevice, browser('https://push.example/x'));
    assert.equal(registered?.case, 'register');
    const forever = { convId: 'g', untilMs: BigInt(Number.MAX_SAFE_INTEGER) };
    assert.equal((await call(silenceConversation, forever))?.case, 'silence');
    const settings = await call(setPushSettings, quiet(1_320, 420, 'Europe/Berlin'));
    assert.equal(settings?.case, 'setSettings');
    const none = await call(setPushSettings, {});
    assert.ok(none?.case === 'setSettings' && none.value.settings !== undefined, 'nothing means no silence');
  });

  it('tell browsers the key without asking anybody', async () => {
    assert.equal(await call(getPushInfo, {}), undefined);
  });
});
