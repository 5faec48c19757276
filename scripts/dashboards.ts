import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from './dashboards/build.ts';
import { engines } from './dashboards/engines.ts';
import { events } from './dashboards/events.ts';
import { links } from './dashboards/links.ts';
import { overview } from './dashboards/overview.ts';
import { resources } from './dashboards/resources.ts';
import { sessions } from './dashboards/sessions.ts';
import type { DashboardSpec } from './dashboards/spec.ts';
import { store } from './dashboards/store.ts';
import { root } from './paths.ts';

const directory = join(root, 'deploy', 'grafana', 'dashboards');

export const dashboards: readonly DashboardSpec[] = [
  overview,
  sessions,
  store,
  links,
  events,
  resources,
  engines,
];

/** What stands in each file of deploy/grafana/dashboards, by its name. */
export function dashboardFiles(): ReadonlyMap<string, string> {
  return new Map(
    dashboards.map((spec) => [`${spec.uid}.json`, `${JSON.stringify(build(spec), undefined, 2)}\n`]),
  );
}

/** The files as they are in the repository, by their names. */
export async function currentDashboardFiles(): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(directory)).toSorted();
  return new Map(
    await Promise.all(
      names.map(async (name) => [name, await readFile(join(directory, name), 'utf8')] as const),
    ),
  );
}

if (process.argv.includes('--write')) {
  const files = dashboardFiles();
  for (const name of (await currentDashboardFiles()).keys())
    if (!files.has(name)) await rm(join(directory, name));
  for (const [name, text] of files) await writeFile(join(directory, name), text);
}
