import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConvId, UserId } from '../core/ids.ts';
import {
  type Devices,
  maxDevices,
  maxSilences,
  type NewDevice,
  noSettings,
  type Recipient,
  type Told,
} from './devices.ts';
import {
  firstKey,
  type OpenStore,
  secondKey,
  type StoreFixture,
} from './message-store-conformance/fixture.ts';
import { failsWith } from './message-store-conformance/samples.ts';
import type { MessageStore } from './message-store.ts';

const [ann, bob, cleo] = ['ann', 'böb ü', 'cleo'] as [UserId, UserId, UserId];
const [garden, talk] = ['garden', 'd_talk'] as [ConvId, ConvId];

function phone(userId: UserId, deviceId = 'phone', token = `${userId.length}-${deviceId}`): NewDevice {
  const target = { t: 'fcm', token } as const;
  return { userId, deviceId, platform: 'android', name: `${deviceId} €`, target };
}

function devicesOf({ store }: { readonly store: MessageStore }): Devices {
  return (store as MessageStore & { readonly devices: Devices }).devices;
}

async function recipient(devices: Devices, userId: UserId, convId = garden): Promise<Recipient | undefined> {
  const found = await devices.recipients(convId, [userId]);
  assert.ok(found.length <= 1);
  return found[0];
}

async function toldSeq(devices: Devices, userId: UserId, convId = garden): Promise<number | undefined> {
  return (await recipient(devices, userId, convId))?.devices[0]?.toldSeq;
}

async function idsOf(devices: Devices, userId: UserId): Promise<string[]> {
  return (await devices.list(userId)).map(({ deviceId }) => deviceId);
}

/** Every promise of Devices, as tests. Each adapter runs them against its real engine. */
export function devicesConformance(name: string, open: OpenStore): void {
  const test = (
    what: string,
    run: (fixture: StoreFixture, devices: () => Devices) => Promise<void>,
  ): void => {
    it(what, async () => {
      await using fixture = await open();
      await run(fixture, () => devicesOf(fixture));
    });
  };

  describe(`${name} keeps the promises of Devices`, () => {
    test('has a device as it was registered, through a restart', async (fixture, devices) => {
      const registered = await devices().register(phone(bob), 1_000);
      const listing = {
        deviceId: 'phone',
        platform: 'android',
        name: 'phone €',
        provider: 'fcm',
        registeredAtMs: 1_000,
        lastSeenAtMs: 1_000,
      };
      assert.deepEqual(registered, listing);
      await fixture.reopen();
      assert.deepEqual(await devices().list(bob), [listing]);
      assert.deepEqual(await devices().list(ann), []);
      assert.deepEqual(await recipient(devices(), bob), {
        userId: bob,
        devices: [
          {
            deviceId: 'phone',
            platform: 'android',
            target: phone(bob).target,
            registeredAtMs: 1_000,
            toldSeq: 0,
          },
        ],
        settings: noSettings,
        silencedUntilMs: 0,
      });
    });

    test('replaces what was registered under the same id, and keeps when that was', async (_, devices) => {
      await devices().register(phone(ann), 1_000);
      const again: NewDevice = {
        userId: ann,
        deviceId: 'phone',
        platform: 'web',
        name: '',
        target: { t: 'webpush', endpoint: 'https://push.example/1', p256dh: 'BA', auth: 'AA' },
      };
      const registered = await devices().register(again, 5_000);
      assert.equal(registered.registeredAtMs, 1_000);
      assert.equal(registered.lastSeenAtMs, 5_000);
      const [only, ...others] = (await recipient(devices(), ann))?.devices ?? [];
      assert.deepEqual([only?.target, only?.platform, others], [again.target, 'web', []]);
      // The former target is nobody's: another device may have it.
      await devices().register(phone(bob, 'tablet', '3-phone'), 6_000);
      assert.deepEqual(await idsOf(devices(), ann), ['phone']);
    });

    test('gives a target to the device that named it last', async (_, devices) => {
      await devices().register(phone(ann, 'phone', 'shared'), 1_000);
      await devices().told([{ userId: ann, deviceId: 'phone', convId: garden, seq: 9 }]);
      await devices().register(phone(bob, 'browser', 'shared'), 2_000);
      assert.deepEqual(await idsOf(devices(), ann), []);
      assert.deepEqual(await idsOf(devices(), bob), ['browser']);
      // What it was told went with it.
      await devices().register(phone(ann, 'phone', 'other'), 3_000);
      assert.equal(await toldSeq(devices(), ann), 0);
    });

    test('gives a target to a new device of the same user, and keeps as many as there may be', async (_, devices) => {
      for (let no = 1; no <= maxDevices; no += 1) await devices().register(phone(ann, `p${no}`), no);
      // An app that was set up anew, on the phone that was seen least lately.
      await devices().register(phone(ann, 'anew', '3-p1'), 100);
      const kept = Array.from({ length: maxDevices - 1 }, (_none, at) => `p${maxDevices - at}`);
      assert.deepEqual(await idsOf(devices(), ann), ['anew', ...kept]);
      // One that is not the last of them: nobody else has to go.
      await devices().register(phone(ann, 'anew too', '3-p10'), 101);
      const left = ['anew too', 'anew', ...kept.filter((id) => id !== 'p10')];
      assert.deepEqual(await idsOf(devices(), ann), left);
      // Its target leads to it: whoever signs in there next takes it over.
      await devices().register(phone(bob, 'browser', '3-p1'), 102);
      assert.deepEqual(
        await idsOf(devices(), ann),
        left.filter((id) => id !== 'anew'),
      );
    });

    test('keeps the devices that were seen last', async (_, devices) => {
      for (let no = 1; no <= maxDevices; no += 1) await devices().register(phone(ann, `p${no}`), no);
      await devices().register(phone(ann, 'p1'), 100);
      await devices().register(phone(ann, 'new'), 101);
      const left = await idsOf(devices(), ann);
      assert.equal(left.length, maxDevices);
      assert.deepEqual(left.slice(0, 3), ['new', 'p1', `p${maxDevices}`]);
      assert.ok(!left.includes('p2'));
    });

    test('forgets a device, once, and only with the target that is named', async (_, devices) => {
      await devices().register(phone(ann), 1_000);
      await devices().register(phone(ann, 'tablet'), 1_000);
      const { target } = phone(ann);
      assert.equal(await devices().remove(ann, 'phone', { target: { t: 'fcm', token: 'another' } }), false);
      assert.equal(await devices().remove(ann, 'phone', { target, seenUntilMs: 999 }), false);
      assert.equal(await devices().remove(ann, 'phone', { target, seenUntilMs: 1_000 }), true);
      assert.equal(await devices().remove(ann, 'phone'), false);
      assert.equal(await devices().remove(bob, 'tablet'), false);
      assert.equal(await devices().remove(ann, 'tablet', { target }), false);
      assert.deepEqual(await idsOf(devices(), ann), ['tablet']);
      assert.equal(await devices().remove(ann, 'tablet'), true);
      assert.equal(await recipient(devices(), ann), undefined);
    });

    test('forgets all devices of one user', async (_, devices) => {
      for (const id of ['a', 'b']) await devices().register(phone(ann, id), 1);
      await devices().register(phone(bob), 1);
      await devices().told([{ userId: ann, deviceId: 'a', convId: garden, seq: 4 }]);
      await devices().removeAll(ann);
      await devices().removeAll(ann);
      assert.deepEqual(await idsOf(devices(), ann), []);
      assert.deepEqual(await idsOf(devices(), bob), ['phone']);
      await devices().register(phone(ann, 'a'), 2);
      assert.equal(await toldSeq(devices(), ann), 0);
    });

    test('keeps what a user wants', async (fixture, devices) => {
      assert.deepEqual(await devices().settings(ann), noSettings);
      const quietHours = { fromMinute: 1_320, toMinute: 420, timeZone: 'America/Argentina/Buenos_Aires' };
      const settings = { silencedUntilMs: Number.MAX_SAFE_INTEGER, quietHours };
      await devices().saveSettings(ann, settings);
      await devices().register(phone(ann), 1);
      await devices().register(phone(bob), 1);
      await fixture.reopen();
      assert.deepEqual(await devices().settings(ann), settings);
      assert.deepEqual((await recipient(devices(), ann))?.settings, settings);
      assert.deepEqual((await recipient(devices(), bob))?.settings, noSettings);
      await devices().saveSettings(ann, noSettings);
      assert.deepEqual(await devices().settings(ann), noSettings);
    });

    test('silences conversations, each for its user and time', async (fixture, devices) => {
      await devices().silence(ann, { convId: garden, untilMs: 5_000 }, 1_000);
      await devices().silence(ann, { convId: talk, untilMs: Number.MAX_SAFE_INTEGER }, 1_000);
      await devices().silence(bob, { convId: garden, untilMs: 9_000 }, 1_000);
      for (const user of [ann, bob]) await devices().register(phone(user), 1);
      await fixture.reopen();
      const both = [
        { convId: talk, untilMs: Number.MAX_SAFE_INTEGER },
        { convId: garden, untilMs: 5_000 },
      ];
      assert.deepEqual(await devices().silences(ann, 1_000), both);
      assert.deepEqual(await devices().silences(ann, 5_000), both.slice(0, 1));
      const found = await devices().recipients(garden, [ann, bob, cleo]);
      assert.deepEqual(
        new Map(found.map(({ userId, silencedUntilMs }) => [userId, silencedUntilMs])),
        new Map([
          [ann, 5_000],
          [bob, 9_000],
        ]),
      );
      await devices().silence(ann, { convId: garden, untilMs: 0 }, 2_000);
      assert.equal((await recipient(devices(), ann))?.silencedUntilMs, 0);
      assert.equal((await recipient(devices(), bob))?.silencedUntilMs, 9_000);
    });

    test('keeps the silences that end last', async (_, devices) => {
      for (let no = 1; no <= maxSilences; no += 1)
        await devices().silence(ann, { convId: `g${no}` as ConvId, untilMs: 10_000 + no }, 1);
      await devices().silence(ann, { convId: garden, untilMs: 5_000 }, 1);
      const left = await devices().silences(ann, 1);
      assert.equal(left.length, maxSilences);
      const names = left.map(({ convId }) => convId);
      assert.ok(names.includes(garden));
      assert.ok(!names.includes('g1' as ConvId));
    });

    test('remembers what devices were told, and never goes back', async (fixture, devices) => {
      await devices().register(phone(ann), 1);
      const mark = (seq: number, convId = garden): Told => ({ userId: ann, deviceId: 'phone', convId, seq });
      await devices().told([mark(7), mark(3, talk)]);
      await devices().told([mark(5)]);
      await devices().told([
        { ...mark(9), userId: bob },
        { ...mark(9), deviceId: 'gone' },
      ]);
      await fixture.reopen();
      assert.deepEqual([await toldSeq(devices(), ann), await toldSeq(devices(), ann, talk)], [7, 3]);
      await devices().register(phone(ann), 2);
      assert.equal(await toldSeq(devices(), ann), 7);
      await devices().register(phone(bob), 2);
      assert.equal(await toldSeq(devices(), bob), 0);
    });

    test('has 128 places a device for that', async (_, devices) => {
      await devices().register(phone(ann), 1);
      const convs = Array.from({ length: 600 }, (_value, no) => `room ${no}` as ConvId);
      await devices().told(convs.map((convId) => ({ userId: ann, deviceId: 'phone', convId, seq: 2 })));
      let known = 0;
      for (const convId of convs) known += (await toldSeq(devices(), ann, convId)) === 2 ? 1 : 0;
      assert.ok(known > 100 && known <= 128, `${known} are known`);
    });

    test('refuses to look at more than a thousand at once', async (_, devices) => {
      const users = Array.from({ length: 1_001 }, (_value, no) => `u${no}` as UserId);
      await assert.rejects(devices().recipients(garden, users), failsWith('rejected'));
      const marks = users.map((userId) => ({ userId, deviceId: 'd', convId: garden, seq: 1 }));
      await assert.rejects(devices().told(marks), failsWith('rejected'));
      assert.deepEqual(await devices().recipients(garden, []), []);
      await devices().told([]);
    });

    test('writes no target in clear, and opens it with the key that sealed it', async (fixture, devices) => {
      const token = 'a-token-that-stands-nowhere-in-clear';
      await devices().register(phone(ann, 'phone', token), 1);
      assert.equal(await fixture.holds(Buffer.from(token)), false);
      assert.equal(await fixture.holds(Buffer.from('phone')), true);
      await fixture.reopen([firstKey, secondKey]);
      await devices().register(phone(bob, 'tablet', 'sealed-with-the-second'), 2);
      assert.deepEqual((await recipient(devices(), ann))?.devices[0]?.target, { t: 'fcm', token });
      assert.equal((await recipient(devices(), bob))?.devices.length, 1);
    });
  });
}
