import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { NetNamespace } from '../test/engines/net-namespace.ts';
import { claim } from './production/claim.ts';
import { Machines } from './production/machines.ts';
import { makePlace, type Place } from './production/place.ts';
import { Production } from './production/production.ts';

/**
 * The whole shape of production on one machine without containers: what deploy/production/compose.yaml describes, each
 * program a process of its own in the network of a machine of its own. One that dies is started again. Ctrl-C drains all
 * and stops it; the next start takes it up where it was.
 */

const usage = `npm run production -- [--directory DIR] [--network A.B.C]

  --directory  where data, secrets and logs are kept; ./data/production unless it is given
  --network    the first three numbers of the addresses that it takes; 172.30.0 unless it is given

Variables PARLEY_… go to all nodes, and before what deploy/production/compose.yaml says.
`;

const { directory, net } = read();
const say = (line: string): void => void process.stdout.write(`${line}\n`);

function read(): { readonly directory: string; readonly net: string } {
  try {
    const { values } = parseArgs({
      options: {
        directory: { type: 'string', default: join('data', 'production') },
        network: { type: 'string', default: '172.30.0' },
      },
    });
    if (!/^(?:\d{1,3}\.){2}\d{1,3}$/.test(values.network))
      throw new Error(
        `--network wants three numbers, like 172.30.0; it is ${JSON.stringify(values.network)}`,
      );
    return { directory: resolve(values.directory), net: values.network };
  } catch (error) {
    process.stderr.write(`production: ${(error as Error).message}\n\n${usage}`);
    return process.exit(2);
  }
}

/** How to come by it, and where to look. */
function told({ machines, secrets, run }: Place): string {
  const { floating } = machines;
  const watch = machines.get('watch').address;
  const token = `PARLEY_TOKEN_SECRET_FILE=${join(secrets, 'token-secret')} npm run --silent parley -- token ann`;
  const authority = join(secrets, 'tls-cert.pem');
  return `
  Parley is at ${floating}, by TLS. A token to sign in with:
    ${token}
  In a browser:   https://${floating}
  In a terminal:  npm run parley -- chat ann --server ${floating}:443 --ca ${authority} --token TOKEN
  From a script:  curl --cacert ${authority} -H 'authorization: Bearer TOKEN' https://${floating}/api/v1/conversations

  Prometheus      http://${watch}:9090
  Alertmanager    http://${watch}:9093; who is called, in ${join(directory, 'receiver', 'alerts.log')}
  Logs of nodes   http://${machines.get('search').address}:9200/logs-parley-default/_search; all logs in ${join(directory, 'logs')}
  Webhooks        ${join(directory, 'receiver', 'webhooks.log')}
  Database        mariadb --socket ${join(run, 'database-1', 'mariadb.sock')} parley

  Kill what you like (processes are above) and go on chatting; it is started again. Ctrl-C ends it all.
`;
}

try {
  if (!NetNamespace.possible) throw new Error('networks of its own need root, on Linux');
  mkdirSync(directory, { recursive: true });
  await using _ = await claim(directory);
  await using machines = await Machines.connect(net, directory);
  await using place = await makePlace({ directory, net, machines, say });
  await using production = await Production.make(place);
  const ended = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.on(signal, () => {
        say('stopping');
        resolve();
        void production.stop();
      });
  });
  if (await production.start()) say(told(place));
  await ended;
} catch (error) {
  process.stderr.write(`production: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
