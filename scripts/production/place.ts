import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineSpec } from '../../test/engines/engine.ts';
import { Composition } from './composition.ts';
import type { Machines } from './machines.ts';
import { Program, type ProgramOptions } from './program.ts';
import { makeSecrets } from './secrets.ts';

/** What the parts of production share: where they keep what they have, who they know, what deploy/ says of them. */
export interface Place extends AsyncDisposable {
  readonly directory: string;
  /** root's, and short, as sockets want it; it goes with this process. */
  readonly run: string;
  readonly secrets: string;
  readonly machines: Machines;
  readonly composition: Composition;
  readonly say: (line: string) => void;
  /** Of a program, or of what writes several. */
  log(name: string): string;
  program(
    name: string,
    spec: EngineSpec,
    /** Default of `log`: one of its name. */
    o?: Partial<Pick<ProgramOptions, 'env' | 'log' | 'stopWithinMs'>>,
  ): Program;
}

export async function makePlace(o: {
  readonly directory: string;
  readonly net: string;
  readonly machines: Machines;
  readonly say: (line: string) => void;
}): Promise<Place> {
  const { directory, net, machines, say } = o;
  const secrets = join(directory, 'secrets');
  const composition = new Composition({ net, secrets });
  await makeSecrets({ directory, secrets, composition });
  await mkdir(join(directory, 'logs', 'nodes'), { recursive: true });
  const runDirectory = await mkdtemp('/run/parley-production-');
  await chmod(runDirectory, 0o755);
  const log = (name: string) => join(directory, 'logs', name);
  return {
    directory,
    run: runDirectory,
    secrets,
    machines,
    composition,
    say,
    log,
    program: (name, spec, more) => new Program({ name, spec, say, log: log(`${name}.log`), ...more }),
    [Symbol.asyncDispose]: () => rm(runDirectory, { recursive: true, force: true }),
  };
}
