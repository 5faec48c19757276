import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMet, type Ratio, type ScenarioResult } from './context.ts';

const resultsDirectory = fileURLToPath(new URL('./results/', import.meta.url));

/** A scenario as text: a line for each target, then what was promised. */
export function renderTable(result: ScenarioResult): string {
  const columns = [...new Set(result.rows.flatMap((row) => Object.keys(row.figures)))];
  const lines = [
    ['', ...columns],
    ...result.rows.map((row) => [row.target, ...columns.map((name) => show(row.figures[name]))]),
  ];
  const widths = lines[0]?.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0))) ?? [];
  const table = lines.map((line) =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  );
  return [`\n${result.scenario}`, ...table, ...result.ratios.map(renderRatio), ...result.notes].join('\n');
}

function renderRatio(ratio: Ratio): string {
  const wanted = [
    ...(ratio.wanted.atLeast === undefined ? [] : [`≥ ${ratio.wanted.atLeast}`]),
    ...(ratio.wanted.atMost === undefined ? [] : [`≤ ${ratio.wanted.atMost}`]),
  ].join(', ');
  if (!Number.isFinite(ratio.value)) return `  ${ratio.what}: not measured`;
  const verdict = wanted === '' ? '' : ` (wanted ${wanted}: ${isMet(ratio) ? 'met' : 'MISSED'})`;
  return `  ${ratio.what}: ${show(ratio.value)}${verdict}`;
}

function show(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '–';
  return value >= 1000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
}

/** Keeps the results of a run as JSON, one file a scenario; returns the paths. */
export async function writeResults(results: readonly ScenarioResult[], name: string): Promise<string[]> {
  await mkdir(resultsDirectory, { recursive: true });
  const machine = {
    cpus: cpus().length,
    model: cpus()[0]?.model ?? '',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
  const paths: string[] = [];
  for (const result of results) {
    const file = path.join(resultsDirectory, `${result.scenario}${name}.json`);
    const content = { measuredAt: new Date().toISOString(), machine, ...result };
    await writeFile(file, `${JSON.stringify(content, null, 2)}\n`);
    paths.push(path.relative(process.cwd(), file));
  }
  return paths;
}
