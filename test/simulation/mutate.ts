import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type SimMutant, simMutants } from './mutants.ts';

const root = join(import.meta.dirname, '../..');

/** The mutant of that name. Throws a RangeError that names those there are. */
export function mutantNamed(name: string): SimMutant {
  const found = simMutants.find((mutant) => mutant.name === name);
  if (found !== undefined) return found;
  throw new RangeError(`there is no mutant "${name}", but ${simMutants.map((one) => one.name).join(', ')}`);
}

/** Production code as the mutant has it. Throws where the code that it breaks has changed. */
export function mutated({ name, file, from, to, and = [] }: SimMutant): string {
  let source = readFileSync(join(root, file), 'utf8');
  for (const [sound, broken] of [[from, to], ...and] as const) {
    const places = source.split(sound).length - 1;
    if (places !== 1) throw new Error(`mutant ${name}: ${file} has what it breaks ${places} times`);
    source = source.replace(sound, () => broken);
  }
  return source;
}

/** Has the mutant's file loaded in its place from now on; to be called before anything imports it. */
export function mutate(mutant: SimMutant): void {
  const source = mutated(mutant);
  const broken = pathToFileURL(join(root, mutant.file)).href;
  registerHooks({
    load: (url, context, next) =>
      url === broken ? { format: 'module-typescript', source, shortCircuit: true } : next(url, context),
  });
}
