import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SmallDisk } from '../engines/small-disk.ts';
import { FaultCluster } from './fault-cluster.ts';
import { FaultRun } from './fault-run.ts';
import { pause, short, told, verdict } from './reports.ts';

/** The disk of the database is full: sends are refused and say why, reads go on, and so does all when there is room. */

const diskMegabytes = 512;
const fullMs = short ? 8_000 : 30_000;
const patienceMs = 60_000;

describe('a database on a disk that fills up', { skip: !SmallDisk.possible && 'needs root on Linux' }, () => {
  const stack = new AsyncDisposableStack();
  let disk: SmallDisk;
  let cluster: FaultCluster;
  let run: FaultRun;

  before(async () => {
    disk = stack.use(await SmallDisk.mount(diskMegabytes));
    const directory = join(disk.directory, 'mariadb');
    await mkdir(directory);
    cluster = stack.use(await FaultCluster.start({ database: { directory } }));
    run = stack.use(await FaultRun.create(cluster));
  });
  after(() => stack.disposeAsync());

  test(`is full for ${fullMs / 1000} s: sends are refused as diskFull, reads go on`, async (t) => {
    const refusals = new Map<string, number>();
    for (const client of run.traffic.clients)
      client.onPostponed = (_, reason) => void refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
    const round = await run.round(async () => {
      refusals.clear();
      await using _room = {
        [Symbol.asyncDispose]: async () => {
          await disk.free();
          if (cluster.database.running) return;
          // Whoever looks after it starts it again.
          t.diagnostic(`the database has ended: ${cluster.database.output.slice(-600)}`);
          await cluster.database.restart();
        },
      };
      await disk.fill();
      const deadline = performance.now() + patienceMs;
      while (!refusals.has('diskFull')) {
        assert.ok(performance.now() < deadline, `refused only as ${[...refusals].join(' ')}`);
        // Pages of the data file that are free already are written to until there are none.
        await disk.fill();
        await pause(100);
      }
      const [group] = run.world.groups;
      const reader = group?.members[0] as string;
      const endsAt = performance.now() + fullMs;
      let [reads, refused] = [0, ''];
      // InnoDB gives up when it can't write its pages out for long: then nobody reads until it is started again.
      while (performance.now() < endsAt && cluster.database.running) {
        const list = { convId: group?.id, fromSeq: '1', limit: 200 };
        try {
          await cluster.call('MessageService/ListMessages', { list }, reader);
          reads += 1;
        } catch (error) {
          if (await stillRuns(cluster)) refused = String(error);
        }
        await pause(100);
      }
      const runs = await stillRuns(cluster);
      t.diagnostic(
        `${reads} pages were read${refused === '' ? '' : `, and ${refused}; the database says ${cluster.database.output.slice(-1000)}`}`,
      );
      const send = { to: 'user-1', clientId: 'full', body: { text: 'no room' } };
      const answer = await cluster.call('MessageService/Send', { send }, 'user-0').then(
        () => 'taken',
        (error: unknown) => /"reason":"(\w+)"/.exec(String(error))?.[1] ?? String(error),
      );
      t.diagnostic(
        `a send is answered: ${answer}; refusals: ${[...refusals].map(([reason, count]) => `${reason} ${count}`).join(', ')}`,
      );
      assert.equal(refused, '');
      assert.ok(reads > 0, 'no page was read');
      const due = runs ? ['diskFull', 'timedOut'] : ['diskFull', 'timedOut', 'storeUnavailable'];
      assert.ok(due.includes(answer), answer);
    });
    told(t, round);
  });

  test('kept all promises', async (t) => void (await verdict(t, run)));
});

/** Whether the database runs on: one that gives up has lost its connections a moment before it is seen to have ended. */
async function stillRuns({ database }: FaultCluster): Promise<boolean> {
  for (let looks = 0; looks < 20 && database.running; looks++) await pause(100);
  return database.running;
}
