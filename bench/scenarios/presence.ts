import { fileURLToPath } from 'node:url';
import { Child } from '../../test/engines/child.ts';
import { type Context, type Row, type ScenarioResult, wants } from '../context.ts';
import { figure, round } from '../measure.ts';
import { median } from '../rate-search.ts';

const script = fileURLToPath(new URL('../presence/fill.ts', import.meta.url));
const passesEach = 3;
const defaultUsers = 1_000_000;
const edges = 4;
/** A busy machine takes its time over millions of sessions. */
const fillMs = 600_000;

interface Filled {
  readonly sessions: number;
  readonly heapBytes: number;
  readonly residentBytes: number;
}

/** What a message node needs for each user who is online, somewhere: told of them by edges, in a process of its own. */
export async function presence(context: Context): Promise<ScenarioResult> {
  const { options, say } = context;
  const users = options.size ?? (options.quick ? 20_000 : defaultUsers);
  const rows: Row[] = [];
  if (!wants(context, 'parley')) return { scenario: 'presence', rows, ratios: [], notes: [] };
  for (const devices of [1, 2]) {
    const passes: Filled[] = [];
    for (let i = 0; i < (options.quick ? 1 : passesEach); i++) {
      const args = ['--expose-gc', '--max-old-space-size=8192', script, users, edges, devices].map(String);
      await using child = await Child.start({
        command: process.execPath,
        args,
        readyWhen: /"residentBytes".*\n/,
        readyWithinMs: fillMs,
      });
      const filled = JSON.parse(child.output) as Filled;
      say(`${filled.sessions} sessions: ${round(filled.heapBytes)} bytes of heap for each`);
      passes.push(filled);
    }
    rows.push({
      target: `${devices === 1 ? 'a device' : `${devices} devices`} each`,
      figures: {
        users,
        sessions: users * devices,
        'heap bytes/session': round(median(passes.map(({ heapBytes }) => heapBytes))),
        'RSS bytes/session': round(median(passes.map(({ residentBytes }) => residentBytes))),
        passes: passes.length,
      },
    });
  }
  return {
    scenario: 'presence',
    rows,
    ratios: [
      {
        what: 'bytes of heap for a user who is online',
        value: figure(rows[0], 'heap bytes/session'),
        wanted: { atMost: 200 },
      },
    ],
    notes: [],
  };
}
