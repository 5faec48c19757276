import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Context, CorrectnessError, type Row, type ScenarioResult } from '../context.ts';
import { round, textBytes } from '../measure.ts';
import { cpuMsOfAll } from '../process-stats.ts';
import { median } from '../rate-search.ts';
import { startParley } from '../targets/parley.ts';
import { privateLoad } from './private.ts';

/** What a Prometheus does to a server. */
const scrapeEveryMs = 5_000;
const usualRate = 8_000;
/** The default of PARLEY_TRACE_RATIO. */
const usualRatio = 0.001;

const traced = (endpoint: string) => ({ PARLEY_TRACE_ENDPOINT: endpoint });
const untraced = { PARLEY_TRACE_RATIO: '0' };

type Server = Awaited<ReturnType<typeof startParley>>;

interface Side {
  readonly name: string;
  readonly telemetry: boolean;
  /** CPU a message, in µs, of each round. */
  readonly costs: number[];
}

/**
 * What telemetry costs: the same load on two servers with it and two without, turn by turn, so that whatever else the
 * machine does meets all of them. Two equal servers differ by some percent for as long as they live, and the one that was
 * started first is dearer: so each round starts four anew, in an order that changes.
 */
export async function telemetry(context: Context): Promise<ScenarioResult> {
  const { options, say } = context;
  const { quick } = options;
  const rounds = options.rounds ?? (quick ? 1 : 12);
  const rate = options.rate ?? (quick ? 200 : usualRate);
  await using sink = await spanSink();
  const sides: readonly Side[] = [
    { name: 'with', telemetry: true, costs: [] },
    { name: 'without', telemetry: false, costs: [] },
    { name: 'without, again', telemetry: false, costs: [] },
    { name: 'with, again', telemetry: true, costs: [] },
  ];
  for (let no = 0; no < rounds; no++) {
    await roundOf(context, turned(sides, no), { rate, endpoint: sink.url });
    say(
      `round ${no + 1}: ${sides.map(({ name, costs }) => `${name} ${costs.at(-1)?.toFixed(2)}`).join(', ')}`,
    );
  }
  const parts = await partsOf(context, sink.url);
  await context.generator.close();
  const [withIt, without, withoutAgain, withAgain] = sides as [Side, Side, Side, Side];
  const both = (one: Side, other: Side, at: number) =>
    (one.costs[at] as number) + (other.costs[at] as number);
  const ratios = withIt.costs.map(
    (_cost, at) => both(withIt, withAgain, at) / both(without, withoutAgain, at),
  );
  const differ = (one: Side, other: Side): string => {
    const shares = one.costs.map((cost, at) => Math.abs(cost / (other.costs[at] as number) - 1));
    return `${(100 * median(shares)).toFixed(1)} %`;
  };
  return {
    scenario: 'telemetry',
    rows: sides.map(rowOf(rate, rounds)),
    ratios: [
      {
        what: 'CPU a message with telemetry, × without (median of rounds)',
        value: median(ratios),
        wanted: { atMost: 1.03 },
      },
    ],
    notes: [
      `  mean of rounds ${meanOf(ratios)}; rounds: ${ratios.map((ratio) => ratio.toFixed(3)).join(' ')}`,
      `  in the median round two servers without it differ by ${differ(without, withoutAgain)}, ` +
        `two with it by ${differ(withIt, withAgain)}`,
      `  ${sink.exports()} exports of spans, a scrape every ${scrapeEveryMs / 1000} s`,
      ...partNotes(parts, rate, median(without.costs)),
    ],
  };
}

/** Nobody is always first. */
function turned<T>(items: readonly T[], by: number): T[] {
  return items.map((_item, at) => items[(at + by) % items.length] as T);
}

/** Four servers that live as long as the round: all warmed up, then each measured. */
async function roundOf(
  context: Context,
  sides: readonly Side[],
  { rate, endpoint }: { readonly rate: number; readonly endpoint: string },
): Promise<void> {
  const seconds = context.options.quick ? 1 : 8;
  await using stack = new AsyncDisposableStack();
  const living: { readonly side: Side; readonly server: Server }[] = [];
  for (const side of sides) {
    const env = side.telemetry ? traced(endpoint) : untraced;
    const server: Server = stack.use(await startParley('ws', { env }));
    if (side.telemetry) stack.use(scraped(server.server.ports.metrics));
    living.push({ side, server });
  }
  for (const { server } of living) await passOf(context, server, rate, seconds);
  for (const { side, server } of living) side.costs.push(await passOf(context, server, rate, seconds));
}

/** The mean, and how far it may be off: its standard error. */
function meanOf(values: readonly number[]): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return mean.toFixed(3);
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return `${mean.toFixed(3)} ± ${Math.sqrt(variance / values.length).toFixed(3)}`;
}

const rowOf =
  (rate: number, rounds: number) =>
  ({ name, costs }: Side): Row => ({
    target: name,
    figures: { 'sends/s': rate, 'CPU µs/message': round(median(costs)), rounds },
  });

/** What telemetry's parts cost, each where it is large enough to be seen. */
interface Parts {
  readonly scrapeMs: number;
  /** What being traced adds to a message, in µs. */
  readonly tracedUs: number;
}

async function partsOf(context: Context, endpoint: string): Promise<Parts> {
  const { quick } = context.options;
  await using on = await startParley('ws', { env: traced(endpoint) });
  await using off = await startParley('ws', { env: untraced });
  // What nobody has used yet costs more.
  for (const server of [on, off]) await passOf(context, server, quick ? 100 : 2_000, quick ? 1 : 5);
  const scrapes = quick ? 10 : 200;
  const before = cpuMsOfAll(on.pids);
  for (let no = 0; no < scrapes; no++) await scrape(on.server.ports.metrics);
  const scrapeMs = (cpuMsOfAll(on.pids) - before) / scrapes;
  await using all = await startParley('ws', {
    env: { ...traced(endpoint), PARLEY_TRACE_RATIO: '1' },
  });
  const rate = quick ? 100 : 500;
  const differences: number[] = [];
  await passOf(context, all, rate, quick ? 1 : 10);
  for (let no = 0; no < (quick ? 1 : 3); no++) {
    const dearer = await passOf(context, all, rate, quick ? 1 : 10);
    differences.push(dearer - (await passOf(context, off, rate, quick ? 1 : 10)));
  }
  return { scrapeMs, tracedUs: median(differences) };
}

function partNotes({ scrapeMs, tracedUs }: Parts, rate: number, messageUs: number): string[] {
  const ofScrapes = (scrapeMs * 1000) / (scrapeEveryMs / 1000) / rate / messageUs;
  const ofTraces = (usualRatio * tracedUs) / messageUs;
  const percent = (part: number): string => `${(100 * part).toFixed(2)} %`;
  return [
    `  by its parts: a scrape takes ${scrapeMs.toFixed(1)} ms (${percent(ofScrapes)} of all at this rate), ` +
      `being traced ${tracedUs.toFixed(0)} µs a message (${percent(ofTraces)} for one in ${1 / usualRatio})`,
  ];
}

/** CPU of the server a message, in µs. */
async function passOf(
  context: Context,
  target: Server,
  ratePerSecond: number,
  seconds: number,
): Promise<number> {
  const { generator, options } = context;
  const { shape } = privateLoad(context).load;
  await generator.open({ dialect: target.dialect, ports: target.ports, shape, textBytes });
  const before = cpuMsOfAll(target.pids);
  const request = { ratePerSecond, seconds, drainMs: 30_000, dropOne: options.dropOne };
  const { violations, examples, sent } = await generator.pass(request);
  if (violations > 0) throw new CorrectnessError(target.name, examples);
  return ((cpuMsOfAll(target.pids) - before) * 1000) / sent;
}

/** Takes spans, as a collector on this machine would. */
async function spanSink() {
  let exports = 0;
  const server = createServer((request, response) => {
    exports += 1;
    request.resume();
    request.once('end', () => response.writeHead(200).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    exports: () => exports,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function scrape(port: number): Promise<void> {
  await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}

function scraped(port: number): Disposable {
  const timer = setInterval(() => {
    // A server that is just stopping answers nobody.
    void scrape(port).catch(() => {});
  }, scrapeEveryMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
