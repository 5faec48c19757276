import { parseArgs } from 'node:util';
import { mutantNamed, mutate } from './mutate.ts';

/**
 * Plays one interleaving in this process: `play-interleaving.ts --name NAME --mutant MUTANT`. Exits with 0 where nothing was
 * found wrong, with 2 where something was, which it prints.
 */
const { values } = parseArgs({
  options: { name: { type: 'string', default: '' }, mutant: { type: 'string' } },
});
if (values.mutant !== undefined) mutate(mutantNamed(values.mutant));
const { playInterleaving } = await import('./interleaving.ts');
const { interleavingNamed } = await import('./interleavings.ts');
const findings = await playInterleaving(interleavingNamed(values.name));
for (const { rule, what } of findings) process.stdout.write(`${rule}: ${what}\n`);
process.exitCode = findings.length === 0 ? 0 : 2;
