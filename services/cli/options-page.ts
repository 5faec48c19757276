import { readFile, writeFile } from 'node:fs/promises';
import { describeOptions, type OptionDescription, type OptionTables } from '../core/config.ts';
import { optionTables } from '../options.ts';

const page = new URL('../../docs/configuration.md', import.meta.url);

const titles: Readonly<Record<string, string>> = {
  core: 'General',
  auth: 'Tokens',
  log: 'Logs',
  telemetry: 'Metrics',
  trace: 'Traces',
  store: 'Store',
  mysql: 'MySQL',
  directory: 'Directory',
  message: 'Conversations',
  connection: 'Sessions',
  push: 'Webhooks',
  devicePush: 'Pushes to devices',
  pushProviders: 'Push services',
  kafka: 'Kafka',
  grpc: 'gRPC door',
  bridge: 'Bridge',
  connect: 'Node to node',
  linkTls: 'TLS between nodes',
  tls: 'Replaced certificates',
  process: 'Process',
  admin: 'Administration',
  adminClient: 'Administration from a terminal',
};

/** docs/configuration.md, made from the option tables. What is for tests alone stays out. */
export function optionsPage(tables: OptionTables): string {
  const { test: _, ...shown } = tables;
  return [
    '# Configuration',
    '',
    'Parley is configured by environment variables. An empty one counts as unset. A value that an option does not take',
    'stops the start and is named; a `PARLEY_…` variable that is not listed here is warned about, since it is likely a',
    'misspelt one. A secret may be in a file that the variable with `_FILE` behind it names; line ends around it are not part',
    'of it.',
    '',
    'Made from the option tables in the code by `npx node services/cli/options-page.ts --write`.',
    ...describeOptions(shown).flatMap(({ part, options }) => [
      '',
      `## ${titles[part] ?? part}`,
      '',
      '| variable | takes | default | |',
      '| --- | --- | --- | --- |',
      ...options.map(
        (each) => `| ${variable(each)} | ${cell(each.wants)} | ${code(each.default)} | ${cell(each.doc)} |`,
      ),
    ]),
    '',
  ].join('\n');
}

function variable({ env, fileEnv }: OptionDescription): string {
  return fileEnv === undefined ? code(env) : `${code(env)} or ${code(fileEnv)}`;
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
