import type { Generator } from './generator.ts';

export interface Options {
  readonly scenarios: readonly string[];
  /** Small and short: shows that everything works, measures nothing. */
  readonly quick: boolean;
  /** Throw one delivery away in the generator: the run must fail. */
  readonly dropOne: boolean;
  /** Run Parley under node's profiler, and say where its time goes. */
  readonly profile: boolean;
  /** Measure these targets alone: parley, socketio, relay, cluster. */
  readonly only: ReadonlySet<string>;
  /** For `private`: over this many conversations instead of one a pair. */
  readonly conversations: number | undefined;
  /** For `private`: by gRPC instead of WebSocket. */
  readonly grpc: boolean;
  /** For `private`, `telemetry`: both sides are measured so often, turn by turn, and the median ratio counts. */
  readonly rounds: number | undefined;
  /** For `idle`, `reconnect`: how many sessions; for `endurance`: how many entries. */
  readonly size: number | undefined;
  /** For `endurance` and single measurements: this rate, without a search. */
  readonly rate: number | undefined;
}

/** What a scenario gets. */
export interface Context {
  readonly options: Options;
  readonly generator: Generator;
  /** Tells people how it goes; not part of the results. */
  say(line: string): void;
}

export const wants = (context: Context, target: 'parley' | 'socketio' | 'relay' | 'cluster'): boolean =>
  context.options.only.size === 0 || context.options.only.has(target);

export interface Row {
  readonly target: string;
  /** Figures by name, the unit in the name. */
  readonly figures: Readonly<Record<string, number>>;
}

/** Two rows compared, and what was promised of them. */
export interface Ratio {
  readonly what: string;
  readonly value: number;
  readonly wanted: { readonly atLeast?: number; readonly atMost?: number };
}

export interface ScenarioResult {
  readonly scenario: string;
  readonly rows: readonly Row[];
  readonly ratios: readonly Ratio[];
  readonly notes: readonly string[];
}

export function isMet({ value, wanted }: Ratio): boolean {
  if (!Number.isFinite(value)) return false;
  return value >= (wanted.atLeast ?? Number.NEGATIVE_INFINITY) && value <= (wanted.atMost ?? Infinity);
}

/** Something was lost, repeated, swapped or altered: no figure counts after that. */
export class CorrectnessError extends Error {
  constructor(target: string, examples: readonly string[]) {
    super(`${target} broke a promise:\n  ${examples.join('\n  ')}`);
    this.name = 'CorrectnessError';
  }
}
