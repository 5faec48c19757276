import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Receiver } from '../../services/push/testing/receiver.ts';
import { Child } from '../engines/child.ts';
import { until } from '../e2e/support/until.ts';
import { rest, WebhooksFile } from './support.ts';

const main = fileURLToPath(new URL('../../services/main.ts', import.meta.url));

/** A single process on a data directory that outlives it. */
async function start(file: WebhooksFile, failpoints = ''): Promise<{ child: Child; http: number }> {
  const child = await Child.start({
    command: process.execPath,
    args: [main, 'start'],
    env: {
      PARLEY_MODE: 'development',
      PARLEY_DATA_DIR: file.directory,
      PARLEY_WEBHOOKS: file.path,
      PARLEY_FAILPOINTS: failpoints,
      PARLEY_LOG_FORMAT: 'json',
      ...Object.fromEntries(
        ['HTTP', 'WS', 'GRPC', 'NODE', 'METRICS'].map((name) => [`PARLEY_${name}_PORT`, '0']),
      ),
    },
    readyWhen: /"event.action":"ready"/,
  });
  const ready = child.output.split('\n').find((line) => line.includes('"event.action":"ready"')) ?? '{}';
  return { child, http: (JSON.parse(ready) as Record<string, number>)['parley.http'] as number };
}

describe('webhooks of a single process that is killed', () => {
  // The store's thread has written it, and nobody was told; the node knows, and the event log does not.
  for (const failpoint of ['afterCommit', 'beforeFanout'])
    it(`I5: come for what was committed, and nothing else knows of it (${failpoint})`, async () => {
      await using receiver = await Receiver.open();
      await using file = await WebhooksFile.write({ url: receiver.url(), events: ['message.created'] });
      const first = await start(file, `${failpoint}=crash@4`);
      await using _first = first.child;
      const send = (http: number, content: string) =>
        rest(http, 'ann', 'POST', '/messages/send', { conv_id: 'g', content });
      await rest(first.http, 'ann', 'POST', '/groups', { group_id: 'g', name: 'g', members: [] });
      await send(first.http, '2');
      await send(first.http, '3');
      await assert.rejects(send(first.http, '4'));
      await until(
        () => !first.child.running,
        () => 'it lives',
      );
      const second = await start(file);
      await using _second = second.child;
      await receiver.until(() => new Set(receiver.ids).size === 3);
      await send(second.http, '5');
      await receiver.until(() => new Set(receiver.ids).size === 4);
      const seqs = [...new Set(receiver.received.map(({ data }) => data['seq']))];
      assert.deepEqual(seqs, [2, 3, 4, 5]);
    });
});
