import { type Context, CorrectnessError, type Row } from './context.ts';
import type { PassResult } from './generator/load.ts';
import type { Shape } from './generator/protocol.ts';
import { cpuMsOfAll } from './process-stats.ts';
import { findBestRate, median, type Trial } from './rate-search.ts';
import type { Target } from './targets/target.ts';

/** Length of every text that is sent, in bytes. */
export const textBytes = 100;
/** A pass counts when 99 % of its acknowledgements and deliveries came within this time. */
export const wantedP99Ms = 100;
/** How long what is under way may take after the last send; small loads of a machine at work have no long queues. */
const drainMs = (quick: boolean): number => (quick ? 4_000 : 30_000);

export interface MeasuredPass extends Trial, PassResult {
  readonly cpuMs: number;
  /** Of each of the target's shares, in their order. */
  readonly shareMs: readonly number[];
}

export interface LoadOptions {
  /** What is measured: messages, or pages of history. */
  readonly kind: 'messages' | 'pages';
  readonly shape: Shape;
  readonly startRate: number;
  readonly maxRate?: number;
  /** Passes where the rate is given, of which the median is reported. Default: 1. */
  readonly passes?: number;
  /** Messages sent before anything is measured: opens conversations, warms the code up. */
  readonly warmUp: { readonly rate: number; readonly messages: number };
}

/** Finds the best rate of a target under a load, and what it costs there. */
export async function measureLoad(context: Context, target: Target, o: LoadOptions): Promise<Row> {
  const { generator, options } = context;
  const open = () =>
    generator.open({ dialect: target.dialect, ports: target.ports, shape: o.shape, textBytes });
  await open();
  let mayDrop = options.dropOne;
  const pass = async (
    ratePerSecond: number,
    seconds: number,
    kind: LoadOptions['kind'],
  ): Promise<MeasuredPass> => {
    const shares = Object.values(target.shares ?? {});
    const before = cpuMsOfAll(target.pids);
    const sharesBefore = shares.map(cpuMsOfAll);
    const request = { ratePerSecond, seconds, drainMs: drainMs(options.quick), dropOne: mayDrop };
    const result = await (kind === 'messages' ? generator.pass(request) : generator.pages(request));
    const cpu = cpuMsOfAll(target.pids) - before;
    const shareMs = shares.map((pids, i) => cpuMsOfAll(pids) - (sharesBefore[i] ?? 0));
    mayDrop = false;
    if (result.violations > 0) throw new CorrectnessError(target.name, result.examples);
    const measured = { ...result, rate: ratePerSecond, cpuMs: cpu, shareMs, good: isGood(result) };
    context.say(describe(target, measured));
    // Sessions that were refused something, or missed something, don't know where they are: begin with new ones.
    if (result.disturbed > 0 || result.missing > 0) await open();
    return measured;
  };
  await pass(o.warmUp.rate, o.warmUp.messages / o.warmUp.rate, 'messages');
  const passes = await bestPasses(context, o, (rate, seconds) => pass(rate, seconds, o.kind));
  await generator.close();
  if (o.kind === 'pages') return { target: target.name, figures: pageFigures(passes) };
  const shares = Object.keys(target.shares ?? {});
  return { target: target.name, figures: { ...figuresOf(passes), ...shareFigures(shares, passes) } };
}

async function bestPasses(
  { options }: Context,
  o: LoadOptions,
  pass: (rate: number, seconds: number) => Promise<MeasuredPass>,
): Promise<readonly MeasuredPass[]> {
  if (options.quick) return [await pass(Math.min(200, o.startRate), 1)];
  if (options.rate !== undefined) {
    const passes: MeasuredPass[] = [];
    for (let i = 0; i < (o.passes ?? 1); i++) passes.push(await pass(options.rate, 5));
    return passes;
  }
  let confirming = false;
  const found = await findBestRate(
    (rate) => pass(rate, confirming ? 8 : 4),
    { startRate: o.startRate, factor: 1.4, refinements: 3, maxRate: o.maxRate ?? 400_000, confirmations: 3 },
    () => {
      confirming = true;
    },
  );
  return found?.passes ?? [];
}

function isGood(result: PassResult): boolean {
  return (
    result.ack.p99Ms <= wantedP99Ms &&
    result.delivery.p99Ms <= wantedP99Ms &&
    result.missing === 0 &&
    result.disturbed === 0 &&
    result.acked === result.sent
  );
}

const middleOf = (passes: readonly MeasuredPass[]) => (pick: (pass: MeasuredPass) => number) =>
  round(median(passes.map(pick)));

function pageFigures(passes: readonly MeasuredPass[]): Record<string, number> {
  const middle = middleOf(passes);
  return {
    'pages/s': middle((pass) => pass.rate),
    'p50 ms': middle((pass) => pass.ack.p50Ms),
    'p99 ms': middle((pass) => pass.ack.p99Ms),
    'CPU µs/page': middle((pass) => (pass.cpuMs * 1000) / pass.sent),
    'generator cores': middle((pass) => pass.generatorCpu),
    passes: passes.length,
  };
}

function figuresOf(passes: readonly MeasuredPass[]): Record<string, number> {
  const middle = middleOf(passes);
  return {
    'sends/s': middle((pass) => pass.rate),
    'deliveries/s': middle((pass) => (pass.rate * pass.delivered) / pass.sent),
    'ack p50 ms': middle((pass) => pass.ack.p50Ms),
    'ack p99 ms': middle((pass) => pass.ack.p99Ms),
    'delivery mean ms': middle((pass) => pass.delivery.meanMs),
    'delivery p99 ms': middle((pass) => pass.delivery.p99Ms),
    'CPU µs/message': middle((pass) => (pass.cpuMs * 1000) / pass.sent),
    'CPU µs/delivery': middle((pass) => (pass.cpuMs * 1000) / pass.delivered),
    'generator cores': middle((pass) => pass.generatorCpu),
    passes: passes.length,
  };
}

function shareFigures(names: readonly string[], passes: readonly MeasuredPass[]): Record<string, number> {
  const middle = middleOf(passes);
  return Object.fromEntries(
    names.map((name, i) => [
      `${name} µs/message`,
      middle((pass) => ((pass.shareMs[i] ?? 0) * 1000) / pass.sent),
    ]),
  );
}

function describe(target: Target, pass: MeasuredPass): string {
  const cpu = ((pass.cpuMs * 1000) / pass.sent).toFixed(1);
  const trouble = [
    ...(pass.missing > 0 ? [`${pass.missing} missing`] : []),
    ...(pass.disordered > 0 ? [`${pass.disordered} out of order`] : []),
    ...pass.disturbances,
  ];
  return (
    `${target.name}: ${pass.rate}/s ${pass.good ? 'good' : 'bad'}, ack p99 ${pass.ack.p99Ms} ms, ` +
    `delivery p99 ${pass.delivery.p99Ms} ms, ${cpu} µs CPU a message, generator ${pass.generatorCpu} cores` +
    `, its lag p99 ${pass.lag.p99Ms} ms${trouble.length > 0 ? `; ${trouble.join('; ')}` : ''}`
  );
}

/** Three digits are all that such measurements are good for. */
export const round = (value: number): number => (value === 0 ? 0 : Number(value.toPrecision(3)));

export function figure(row: Row | undefined, name: string): number {
  return row?.figures[name] ?? Number.NaN;
}
