import { parseArgs } from 'node:util';
import { type Context, CorrectnessError, type Options, type ScenarioResult } from './context.ts';
import { Generator } from './generator.ts';
import { renderTable, writeResults } from './report.ts';
import { capacity } from './scenarios/capacity.ts';
import { clusterChat } from './scenarios/cluster.ts';
import { endurance } from './scenarios/endurance.ts';
import { group500 } from './scenarios/group500.ts';
import { history } from './scenarios/history.ts';
import { idle } from './scenarios/idle.ts';
import { presence } from './scenarios/presence.ts';
import { privateChat } from './scenarios/private.ts';
import { reconnect } from './scenarios/reconnect.ts';
import { telemetry } from './scenarios/telemetry.ts';

/**
 * npm run bench -- private group500 history idle reconnect
 *
 * Measures Parley beside baselines, each in processes of its own on this machine. See docs/benchmarks.md.
 */

const scenarios: Readonly<Record<string, (context: Context) => Promise<ScenarioResult>>> = {
  private: privateChat,
  cluster: clusterChat,
  capacity,
  group500,
  history,
  idle,
  reconnect,
  endurance,
  presence,
  telemetry,
};

function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      'drop-one': { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      conversations: { type: 'string' },
      grpc: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      size: { type: 'string' },
      rate: { type: 'string' },
    },
  });
  const unknown = positionals.filter((name) => !(name in scenarios));
  if (unknown.length > 0 || positionals.length === 0)
    throw new Error(`name scenarios, out of: ${Object.keys(scenarios).join(', ')}`);
  return {
    scenarios: positionals,
    quick: values.quick,
    dropOne: values['drop-one'],
    profile: values.profile,
    only: new Set(values.only),
    conversations: wholeNumber('conversations', values.conversations),
    grpc: values.grpc,
    rounds: wholeNumber('rounds', values.rounds),
    size: wholeNumber('size', values.size),
    rate: wholeNumber('rate', values.rate),
  };
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text.replaceAll('_', ''));
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} must be a whole number, not ${text}`);
  return value;
}

/** Names a variant in the names of result files. */
function variant(options: Options): string {
  return [
    options.grpc ? '-grpc' : '',
    options.conversations === undefined ? '' : `-${options.conversations}`,
    options.quick ? '-quick' : '',
  ].join('');
}

async function run(options: Options): Promise<void> {
  await using generator = new Generator();
  const context: Context = {
    options,
    generator,
    say: (line) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`),
  };
  const results: ScenarioResult[] = [];
  for (const name of options.scenarios) {
    const result = await scenarios[name]?.(context);
    if (result === undefined) continue;
    results.push(result);
    process.stdout.write(`${renderTable(options.quick ? { ...result, ratios: [] } : result)}\n`);
  }
  // Part of the targets, or small loads, are no results to keep.
  if (options.quick || options.only.size > 0 || options.rate !== undefined) return;
  for (const file of await writeResults(results, variant(options))) process.stdout.write(`${file}\n`);
}

// Leaving by `exit` stops what was started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

try {
  await run(readOptions(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof Error)) throw error;
  process.stderr.write(`${error instanceof CorrectnessError ? 'FAILED: ' : ''}${error.message}\n`);
  process.exitCode = 1;
}
