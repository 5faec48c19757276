import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readManifest } from '../../../services/archive/manifest.ts';
import { fill } from './fill.ts';
import { command, Directory, embeddedPlace, mySqlPlace, type Place } from './stores.ts';

const main = fileURLToPath(new URL('../../../services/main.ts', import.meta.url));

const triesAtMost = 60;
const partBytes = { PARLEY_EXPORT_PART_BYTES: '20000' };

interface Ending {
  readonly killed: boolean;
  readonly said: string;
  readonly tookMs: number;
}

/** Runs a command as a process, and kills it so long after it has begun to work; undefined: lets it end. */
async function run(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
  killAfterMs?: number,
): Promise<Ending> {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...env, PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let beganAtMs = 0;
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part: Buffer) => {
      said += part.toString();
      // The first word comes when it begins to read or to write rows.
      if (beganAtMs > 0) return;
      beganAtMs = performance.now();
      if (killAfterMs !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  const killed = signal === 'SIGKILL';
  // Killed behind its last write, a command has done all there is to do.
  assert.ok(killed || code === 0 || /holds a finished export/.test(said), said);
  return { killed, said, tookMs: performance.now() - beganAtMs };
}

/** Kills a command at random moments, again and again, until it is through. Gives how often it died. */
async function killUntilDone(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
  { wholeMs, kills }: { readonly wholeMs: number; readonly kills: number },
): Promise<number> {
  let died = 0;
  for (let attempt = 0; attempt < triesAtMost; attempt += 1) {
    const enough = died >= kills;
    // The first time soon, lest a short one be through before it has died at all.
    const killAfterMs = randomInt(Math.ceil(wholeMs * (died === 0 ? 0.1 : 0.5)));
    const { killed } = await run(env, args, enough ? undefined : killAfterMs);
    if (!killed) return died;
    died += 1;
  }
  throw new Error('it was never through');
}

export interface KillRounds {
  readonly conversations: number;
  readonly entries: number;
  /** How often each command must have died before it is let through. */
  readonly kills: number;
}

const ways: readonly (readonly [string, () => Promise<Place>, () => Promise<Place>])[] = [
  ['the embedded store into MySQL', embeddedPlace, mySqlPlace],
  ['MySQL into the embedded store', mySqlPlace, embeddedPlace],
];

/** Exports and imports, killed at random moments and begun again, both ways. */
export function killRounds({ kills, ...size }: KillRounds): void {
  describe('killed at random moments, and begun again', () => {
    for (const [way, from, to] of ways)
      it(`${way}: nothing is missing, nothing is there twice`, async (test) => {
        await using directory = await Directory.make();
        await using source = await from();
        const store = await source.open();
        await fill(store, size);
        await store.close();
        const env = { ...source.env, ...partBytes };
        const whole = await run(env, ['export', '--to', directory.in('whole')]);
        const exportArgs = ['export', '--to', directory.in('export')];
        const exportsDied = await killUntilDone(env, exportArgs, { wholeMs: whole.tookMs, kills });
        const { tables } = await readManifest(directory.in('whole'));
        assert.deepEqual((await readManifest(directory.in('export'))).tables, tables);
        await using first = await to();
        const importArgs = ['import', '--from', directory.in('export')];
        const unharmed = await run(first.env, importArgs);
        await using target = await to();
        const importsDied = await killUntilDone(target.env, importArgs, { wholeMs: unharmed.tookMs, kills });
        test.diagnostic(`${exportsDied} exports and ${importsDied} imports died`);
        assert.ok(exportsDied > 0 && importsDied > 0, 'too few died for this to say anything');
        await run({ ...target.env, ...partBytes }, ['export', '--to', directory.in('again')]);
        assert.deepEqual((await readManifest(directory.in('again'))).tables, tables);
        assert.match((await command(target.env, 'check')).out, /all is well/);
      });
  });
}
