import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { UserId } from '../core/ids.ts';
import {
  DirectoryError,
  type SessionDirectory,
  type SessionKey,
  type SessionRecord,
} from '../ports/directory.ts';
import { ConnectionMeters } from './meters.ts';
import { SessionAnnouncer } from './session-announcer.ts';
import { Stage } from './testing/stage.ts';

/** A directory that says what it was told. */
class Told implements SessionDirectory {
  readonly ttlMs = 90_000;
  readonly put: SessionDirectory['put'] = async (sessions) => this.#take(this.puts, sessions);
  readonly remove: SessionDirectory['remove'] = async (sessions) => this.#take(this.removals, sessions);
  readonly puts: (readonly SessionRecord[])[] = [];
  readonly removals: (readonly SessionKey[])[] = [];
  away = false;
  during = (): void => {};

  async of(_userId: UserId): Promise<readonly SessionRecord[]> {
    return [];
  }

  async count(_users: readonly UserId[]): Promise<readonly number[]> {
    return [];
  }

  #take<T>(into: T[], what: T): void {
    this.during();
    if (this.away) throw new DirectoryError('unavailable', 'away');
    into.push(what);
  }
}

function scene() {
  const stage = new Stage();
  const directory = new Told();
  const meters = new ConnectionMeters();
  const { clock, sessions } = stage;
  const onBug = (error: unknown): void => assert.fail(error as Error);
  const announcer = new SessionAnnouncer({ directory, sessions, nodeId: 'edge', clock, meters, onBug });
  const told = () => directory.puts.flat().map(({ session }) => session);
  const end = (session: ReturnType<Stage['open']>): void => {
    stage.close(session);
    announcer.ended(session);
  };
  return { stage, directory, meters, announcer, told, end };
}

describe('sessions are announced', () => {
  it('once, and again after a third of their time', async () => {
    const { stage, directory, announcer, told } = scene();
    const ada = stage.open('ada');
    await announcer.look();
    assert.deepEqual(directory.puts.flat(), [
      { userId: 'ada', session: ada.no, nodeId: 'edge', deviceId: 'device 1', sinceMs: 1_000_000 },
    ]);
    stage.clock.nowMs += 29_999;
    await announcer.look();
    assert.deepEqual(told(), [1]);
    stage.clock.nowMs += 1;
    await announcer.look();
    assert.deepEqual(told(), [1, 1]);
    assert.equal(directory.puts.at(-1)?.[0]?.sinceMs, 1_000_000);
  });

  it('in bulk, and in parts where there are many', async () => {
    const { stage, directory, announcer, told } = scene();
    for (let i = 0; i < 1_234; i++) stage.open(`user ${i}`);
    await announcer.look();
    assert.equal(new Set(told()).size, 1_234);
    assert.deepEqual(
      directory.puts.map(({ length }) => length),
      [500, 500, 234],
    );
  });

  it('when the directory is back', async () => {
    const { stage, directory, meters, announcer, told } = scene();
    directory.away = true;
    stage.open('ada');
    await announcer.look();
    await announcer.look();
    assert.equal(meters.announcementsFailed, 2);
    directory.away = false;
    await announcer.look();
    assert.deepEqual(told(), [1]);
  });

  it('only when they are open', async () => {
    const { stage, announcer, told } = scene();
    stage.open('ada').state = 'registering';
    await announcer.look();
    assert.deepEqual(told(), []);
  });
});

describe('sessions that ended are taken out', () => {
  it('if they were announced', async () => {
    const { stage, directory, announcer, end } = scene();
    const [ada, bob] = [stage.open('ada'), stage.open('bob')];
    end(bob);
    await announcer.look();
    end(ada);
    await announcer.look();
    assert.deepEqual(directory.removals.flat(), [{ userId: 'ada', session: ada.no, nodeId: 'edge' }]);
  });

  it('also those that end while they are announced', async () => {
    const { stage, directory, announcer, end } = scene();
    const ada = stage.open('ada');
    directory.during = () => {
      directory.during = () => {};
      end(ada);
    };
    await announcer.look();
    await announcer.look();
    assert.equal(directory.removals.flat().length, 1);
  });

  it('when the directory is back, in their order', async () => {
    const { stage, directory, announcer, end } = scene();
    const sessions = Array.from({ length: 700 }, (_, at) => stage.open(`user ${at}`));
    await announcer.look();
    directory.away = true;
    for (const each of sessions) end(each);
    await announcer.look();
    directory.away = false;
    await announcer.look();
    assert.deepEqual(
      directory.removals.flat().map(({ session }) => session),
      sessions.map(({ no }) => no),
    );
  });

  it('I6: so many wait at most; the others lapse, counted', async () => {
    const { stage, directory, meters, announcer, end } = scene();
    const sessions = Array.from({ length: 20_001 }, (_, at) => stage.open(`user ${at}`));
    for (let i = 0; i < 5; i++) await announcer.look();
    directory.away = true;
    for (const each of sessions) end(each);
    assert.equal(meters.sessionsLapsing, 10_001);
    directory.away = false;
    await announcer.look();
    const last = directory.removals.flat();
    assert.equal(last.length, 10_000);
    assert.equal(last.at(-1)?.session, sessions.at(-1)?.no);
  });

  it('at the end, at once', async () => {
    const { stage, directory, announcer, end } = scene();
    const ada = stage.open('ada');
    announcer.start();
    await announcer.look();
    end(ada);
    await announcer.stop();
    assert.equal(directory.removals.flat().length, 1);
  });
});
