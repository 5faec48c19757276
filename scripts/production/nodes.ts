import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../paths.ts';
import { answers, commandIn } from './commands.ts';
import { nodeLog } from './logs.ts';
import type { MachineName } from './machines.ts';
import type { Place } from './place.ts';
import type { Program } from './program.ts';

const main = fileURLToPath(new URL('../../services/main.ts', import.meta.url));
const metricsPort = 9464;

/** What the environment of this command says of nodes, all of them hear, and it goes before what deploy/ says. */
const given = Object.fromEntries(
  Object.entries(process.env).filter(([name, value]) => name.startsWith('PARLEY_') && value !== undefined),
) as Record<string, string>;

/** A process of Parley, with the roles and the environment of its service in deploy/production/compose.yaml. */
export function node(place: Place, name: MachineName): Program {
  const { composition, machines } = place;
  const machine = machines.get(name);
  const directory = join(place.directory, name);
  return place.program(
    name,
    {
      name: 'parley',
      directory,
      ...commandIn(machine, process.execPath, main, ...composition.args(name)),
      ask: () => answers(`http://${machine.address}:${metricsPort}/readyz`),
    },
    {
      log: nodeLog(place, name),
      env: {
        PARLEY_MODE: 'production',
        PARLEY_LOG_FORMAT: 'json',
        PARLEY_DATA_DIR: directory,
        PARLEY_WEB_DIR: join(root, 'dist', 'web'),
        ...composition.environment(name),
        ...given,
      },
    },
  );
}
