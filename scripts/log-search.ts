import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { indexTemplate, lifecyclePolicy } from './log-search/index-template.ts';
import { savedObjects } from './log-search/saved-objects.ts';
import { root } from './paths.ts';

const json = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** What a search engine and Kibana are told of the logs, by paths inside deploy. */
export const logSearchFiles: ReadonlyMap<string, string> = new Map([
  ['elk/index-template.json', json(indexTemplate('by policy'))],
  ['elk/ilm-policy.json', json(lifecyclePolicy)],
  ['elk/saved-searches.ndjson', savedObjects()],
  ['rsyslog/index-template.json', json(indexTemplate('by script'))],
]);

/** The same files as they are in the repository. */
export async function currentLogSearchFiles(): Promise<ReadonlyMap<string, string>> {
  return new Map(
    await Promise.all(
      [...logSearchFiles.keys()].map(
        async (path) => [path, await readFile(join(root, 'deploy', path), 'utf8')] as const,
      ),
    ),
  );
}

if (process.argv.includes('--write'))
  for (const [path, text] of logSearchFiles) await writeFile(join(root, 'deploy', path), text);
