import { readFile, writeFile } from 'node:fs/promises';
import { Code, faults } from '../services/core/fault.ts';

const page = new URL('../docs/errors.md', import.meta.url);

/** The page of all error reasons, from the table that the server uses. */
export function errorsPage(): string {
  const names = new Map(Object.entries(Code).map(([name, code]) => [code as number, name]));
  const rows = Object.entries(faults).map(
    ([reason, { code, retry, closeCode }]) =>
      `| ${reason} | ${names.get(code)} (${code}) | ${retry} | ${closeCode} |`,
  );
  return [
    '# Errors',
    '',
    'Made from `services/core/fault.ts` by `node scripts/errors-page.ts --write`.',
    '',
    '| reason | gRPC code | retry | close code, where it ends a session |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

export async function currentErrorsPage(): Promise<string> {
  return readFile(page, 'utf8');
}

if (process.argv.includes('--write')) await writeFile(page, errorsPage());
