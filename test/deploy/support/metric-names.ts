import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../../../scripts/paths.ts';

const ours = /\b(?:chat|nodejs|process)_[a-z0-9_]+/g;
const named = /'((?:chat|nodejs|process)_[a-z0-9_]+)'/g;

/** The metrics of Parley that an expression asks for, by the names that the code gives them. */
export function metricsOf(expr: string): string[] {
  return [...expr.matchAll(ours)].map(([name]) => name.replace(/_(?:bucket|sum|count)$/, ''));
}

/** Whatever the code of the server names like a metric. */
export async function serverMetrics(): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for await (const file of glob(['services/**/*.ts', 'bridge/**/*.ts'], { cwd: root })) {
    if (file.endsWith('.test.ts')) continue;
    for (const [, name] of (await readFile(join(root, file), 'utf8')).matchAll(named))
      names.add(name as string);
  }
  return names;
}
