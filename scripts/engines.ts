import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type EngineKind, gatewayKind, storageKinds } from './engine-kinds.ts';
import { StandingEngine } from './standing-engine.ts';

/** Real engines for development: each in a process of its own, on private ports, with its data in one directory. */

const usage = `npm run engines -- start|stop|status [--directory DIR] [--upstream HOST:PORT]… [ENGINE]…

  ENGINE       mariadb, redis, kafka, nginx; all of them unless some are named
  --directory  where data, logs and process ids are kept; ./engines-data unless it is given
  --upstream   a Parley node that nginx sends to, more than once for several; 127.0.0.1:9501 unless one is given
`;

const { values, positionals } = read();
const [verb, ...named] = positionals;
const directory = resolve(values.directory);
const kinds: Readonly<Record<string, EngineKind>> = {
  ...storageKinds,
  nginx: gatewayKind({ upstreams: values.upstream }),
};

function read() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        directory: { type: 'string', default: 'engines-data' },
        upstream: { type: 'string', multiple: true, default: ['127.0.0.1:9501'] },
      },
    });
  } catch (error) {
    return refuse((error as Error).message);
  }
}

function refuse(why: string): never {
  process.stderr.write(`engines: ${why}\n\n${usage}`);
  process.exit(2);
}

async function run(engine: StandingEngine): Promise<string> {
  switch (verb) {
    case 'start': {
      const { before, url, pid } = await engine.start();
      return `${url}  (process ${pid}${before ? ', ran already' : ''})`;
    }
    case 'stop':
      return (await engine.stop()) ? 'stopped' : 'did not run';
    default: {
      const status = await engine.status();
      return status === undefined ? 'does not run' : `${status.url}  (process ${status.pid})`;
    }
  }
}

if (verb !== 'start' && verb !== 'stop' && verb !== 'status')
  refuse(verb === undefined ? 'do what?' : `"${verb}" is not a command`);
const unknown = named.find((name) => !Object.hasOwn(kinds, name));
if (unknown !== undefined) refuse(`there is no engine "${unknown}"`);
const badUpstream = values.upstream.find((address) => !/^[\w.:[\]-]+:\d{1,5}$/.test(address));
if (badUpstream !== undefined) refuse(`--upstream wants HOST:PORT; it is "${badUpstream}"`);

const wanted = named.length > 0 ? named : Object.keys(kinds);
for (const name of wanted) {
  try {
    const done = await run(new StandingEngine({ name, directory, ...kinds[name]! }));
    process.stdout.write(`${name.padEnd(8)} ${done}\n`);
  } catch (error) {
    process.stderr.write(`engines: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
