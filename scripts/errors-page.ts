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
    'Made from `services/core/fault.ts` by `npx node scripts/errors-page.ts --write`.',
    '',
    '| reason | gRPC code | retry | close code, where it ends a session |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    'Plain HTTP (REST, files, handshakes) also answers with `badRequest`, `badPath` (400), `hostForbidden` and `forwarded` (403,',
    'development mode), `notFound` (404), `methodNotAllowed` (405), `requestTimeout` (408), `upgradeRequired` (426) and',
    '`headersTooLarge` (431), and with `refused` where a call fails that has no reason of its own: never worth a retry.',
    '',
  ].join('\n');
}

export async function currentErrorsPage(): Promise<string> {
  return readFile(page, 'utf8');
}

if (process.argv.includes('--write')) await writeFile(page, errorsPage());
