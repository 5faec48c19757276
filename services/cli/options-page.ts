import { readFile, writeFile } from 'node:fs/promises';
import { describeOptions, type OptionTables } from '../core/config.ts';
import { optionTables } from '../options.ts';

const page = new URL('../../docs/configuration.md', import.meta.url);

const titles: Readonly<Record<string, string>> = {
  core: 'General',
  auth: 'Tokens',
  log: 'Logs',
  telemetry: 'Metrics',
  store: 'Store',
  mysql: 'MySQL',
  directory: 'Directory',
  message: 'Conversations',
  connection: 'Sessions',
  push: 'Webhooks',
  kafka: 'Kafka',
  grpc: 'gRPC door',
  bridge: 'Bridge',
  connect: 'Node to node',
  linkTls: 'TLS between nodes',
  process: 'Process',
};

/** docs/configuration.md, made from the option tables. What is for tests alone stays out. */
export function optionsPage(tables: OptionTables): string {
  const { test: _, ...shown } = tables;
  return [
    '# Configuration',
    '',
    'Parley is configured by environment variables. An empty one counts as unset. A value that an option does not take',
    'stops the start and is named; a `PARLEY_…` variable that is not listed here is warned about, since it is likely a',
    'misspelt one.',
    '',
    'Made from the option tables in the code by `node services/cli/options-page.ts --write`.',
    ...describeOptions(shown).flatMap(({ part, options }) => [
      '',
      `## ${titles[part] ?? part}`,
      '',
      '| variable | takes | default | |',
      '| --- | --- | --- | --- |',
      ...options.map(
        (each) => `| \`${each.env}\` | ${cell(each.wants)} | ${code(each.default)} | ${cell(each.doc)} |`,
      ),
    ]),
    '',
  ].join('\n');
}

function code(text: string): string {
  return text === '' ? '' : `\`${cell(text)}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

/** The page as it is in the repository; empty when there is none. */
export async function currentOptionsPage(): Promise<string> {
  return readFile(page, 'utf8').catch(() => '');
}

if (process.argv[1] === import.meta.filename && process.argv.includes('--write')) {
  await writeFile(page, optionsPage(optionTables));
}
