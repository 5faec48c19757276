import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../../../test/e2e/support/until.ts';
import type { UserId } from '../../core/ids.ts';
import type { Revocation } from '../directory.ts';
import { ada, awkwardIds, bob, type OpenDirectory, revocation } from './fixture.ts';

const byDevice = (revocations: readonly Revocation[]) =>
  [...revocations].sort((a, b) => (a.deviceId < b.deviceId ? -1 : 1));

export function revocationPromises(open: OpenDirectory): void {
  describe('revocations', () => {
    it('stand on every node at once', async () => {
      await using fixture = await open();
      const { directory, other } = fixture;
      const [whole, phone] = [revocation(), revocation({ deviceId: 'phone', issuedUntilMs: 5 })];
      await directory.revocations.revoke(whole);
      await directory.revocations.revoke(phone);
      assert.deepEqual(byDevice(await other.revocations.of(ada)), [whole, phone]);
      assert.deepEqual(await other.revocations.of(bob), []);
    });

    it('outlive the nodes', async () => {
      await using fixture = await open();
      const stands = revocation();
      await fixture.directory.revocations.revoke(stands);
      await fixture.reopen();
      assert.deepEqual(await fixture.directory.revocations.of(ada), [stands]);
    });

    it('are never shortened: of each time the later one counts', async () => {
      await using fixture = await open();
      const { directory } = fixture;
      const first = revocation();
      const { issuedUntilMs, endsAtMs } = first;
      await directory.revocations.revoke(first);
      await directory.revocations.revoke({ ...first, issuedUntilMs: 1, endsAtMs: endsAtMs - 1 });
      assert.deepEqual(await directory.revocations.of(ada), [first]);
      await directory.revocations.revoke({ ...first, issuedUntilMs: 1, endsAtMs: endsAtMs + 1 });
      await directory.revocations.revoke({ ...first, issuedUntilMs: issuedUntilMs + 1, endsAtMs });
      const later = { ...first, issuedUntilMs: issuedUntilMs + 1, endsAtMs: endsAtMs + 1 };
      assert.deepEqual(await directory.revocations.of(ada), [later]);
    });

    it('end at their time, each for itself', async () => {
      await using fixture = await open();
      const { directory } = fixture;
      const lasting = revocation({ deviceId: 'lasting' });
      await directory.revocations.revoke(revocation({ deviceId: 'over', endsAtMs: Date.now() - 1 }));
      assert.deepEqual(await directory.revocations.of(ada), []);
      await directory.revocations.revoke(revocation({ deviceId: 'brief', endsAtMs: Date.now() + 1_000 }));
      await directory.revocations.revoke(lasting);
      await until(
        async () => (await directory.revocations.of(ada)).length === 1,
        () => 'a revocation stands for ever',
      );
      assert.deepEqual(await directory.revocations.of(ada), [lasting]);
    });

    it('are told to whoever listens', async () => {
      await using fixture = await open();
      const { directory, other } = fixture;
      const told: Revocation[] = [];
      const end = other.revocations.onRevoked((each) => told.push(each));
      const stands = revocation({ deviceId: 'phone' });
      await directory.revocations.revoke(stands);
      await until(
        () => told.length > 0,
        () => 'nobody was told',
      );
      assert.deepEqual(told[0], stands);
      end();
      const count = told.length;
      await directory.revocations.revoke(revocation({ userId: bob }));
      await other.revocations.of(bob);
      assert.equal(told.length, count);
    });

    it('revoke the whole user where he has too many devices', async () => {
      await using fixture = await open();
      const { directory } = fixture;
      const devices = Array.from({ length: 256 }, (_, at) => revocation({ deviceId: `device ${at}` }));
      for (const each of devices) await directory.revocations.revoke(each);
      assert.equal((await directory.revocations.of(ada)).length, 256);
      await directory.revocations.revoke(revocation({ deviceId: 'device 7' }));
      assert.equal((await directory.revocations.of(ada)).length, 256);
      await directory.revocations.revoke(revocation({ deviceId: 'one more' }));
      const standing = await directory.revocations.of(ada);
      assert.ok(standing.some(({ deviceId }) => deviceId === ''));
      assert.equal(standing.length, 257);
    });

    it('take any id', async () => {
      await using fixture = await open();
      const { directory, other } = fixture;
      for (const id of awkwardIds) {
        const each = revocation({ userId: id as UserId, deviceId: id });
        await directory.revocations.revoke(each);
        assert.deepEqual(await other.revocations.of(each.userId), [each]);
      }
    });
  });
}
