import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Context } from './context.ts';

const shownFunctions = 30;
const shownFiles = 25;
const project = fileURLToPath(new URL('..', import.meta.url));

/** As much of a `.cpuprofile` as is read here. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Runs a server under node's profiler when the options ask for it, and adds to the notes where its time went. */
export async function profiled<T>(
  { options }: Context,
  notes: string[],
  run: (nodeArgs: readonly string[]) => Promise<T>,
): Promise<T> {
  if (!options.profile) return run([]);
  const directory = await mkdtemp(path.join(tmpdir(), 'parley-profile-'));
  try {
    const result = await run(['--cpu-prof', `--cpu-prof-dir=${directory}`, '--cpu-prof-interval=500']);
    const files = (await readdir(directory)).filter((name) => name.endsWith('.cpuprofile'));
    if (files.length === 0) notes.push('no profile was written');
    for (const file of files.sort()) {
      const profile = JSON.parse(await readFile(path.join(directory, file), 'utf8')) as CpuProfile;
      notes.push(summarize(profile, file));
    }
    return result;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Self time by function and by file, of one thread. */
export function summarize(profile: CpuProfile, title: string): string {
  const frames = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  const byFunction = new Map<string, number>();
  const byFile = new Map<string, number>();
  let busyUs = 0;
  let allUs = 0;
  profile.samples.forEach((id, i) => {
    const us = profile.timeDeltas[i] ?? 0;
    const frame = frames.get(id);
    allUs += us;
    if (frame === undefined || frame.functionName === '(idle)') return;
    busyUs += us;
    const file = shortFile(frame.url);
    const name = `${frame.functionName || '(anonymous)'} ${file}:${frame.lineNumber + 1}`;
    byFunction.set(name, (byFunction.get(name) ?? 0) + us);
    byFile.set(file, (byFile.get(file) ?? 0) + us);
  });
  const share = (us: number) => `${((us * 100) / busyUs).toFixed(1).padStart(5)} %`;
  const top = (times: Map<string, number>, count: number) =>
    [...times]
      .sort(([, one], [, other]) => other - one)
      .slice(0, count)
      .map(([name, us]) => `  ${share(us)}  ${name}`);
  return [
    `${title}: busy ${((busyUs * 100) / Math.max(1, allUs)).toFixed(0)} % of ${(allUs / 1e6).toFixed(1)} s`,
    '  by file',
    ...top(byFile, shownFiles),
    '  by function',
    ...top(byFunction, shownFunctions),
  ].join('\n');
}

function shortFile(url: string): string {
  if (url === '') return '(native)';
  return url.replace('file://', '').replace(project, '');
}
