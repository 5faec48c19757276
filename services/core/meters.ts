/**
 * Metrics in plain numbers. Hot code adds and records for some nanoseconds (an instrument of the OpenTelemetry API
 * costs some hundred); `telemetry.ts` reads the numbers when somebody asks for them.
 */

export type Labels = Readonly<Record<string, string>>;
export type LabelledValues = readonly (readonly [Labels, number])[];

/** Values of one label, at most; what comes later counts as `other`. */
const maxLabelValues = 100;

/** Counts up. With a label each of its values counts for itself: few values, never ids. */
export class Counter {
  readonly #label: string | undefined;
  readonly #byValue = new Map<string, number>();
  #plain = 0;

  constructor(label: string | undefined) {
    this.#label = label;
  }

  add(n: number, value?: string): void {
    if (value === undefined) {
      this.#plain += n;
      return;
    }
    const known = this.#byValue.get(value);
    if (known !== undefined) this.#byValue.set(value, known + n);
    else if (this.#byValue.size < maxLabelValues) this.#byValue.set(value, n);
    else this.#byValue.set('other', (this.#byValue.get('other') ?? 0) + n);
  }

  read(): LabelledValues {
    if (this.#label === undefined) return [[{}, this.#plain]];
    const label = this.#label;
    return [...this.#byValue].map(([value, n]) => [{ [label]: value }, n]);
  }
}

/** Counts values by size; the distribution, not the values, is kept. */
export class Histogram {
  /** Upper bounds (inclusive) of all buckets but the last, ascending. */
  readonly bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;
  #count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  record(value: number): void {
    let bucket = 0;
    // Buckets are few and most values small: walking beats halving.
    while (bucket < this.bounds.length && value > (this.bounds[bucket] as number)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#sum += value;
    this.#count++;
  }

  read(): { readonly counts: number[]; readonly sum: number; readonly count: number } {
    return { counts: [...this.#counts], sum: this.#sum, count: this.#count };
  }
}

/** For latencies in seconds: half a millisecond to ten seconds, dense enough for a 99th percentile to say something. */
export const latencyBuckets = [
  0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5,
  0.75, 1, 2, 5, 10,
] as const;
/** For sizes of batches. */
export const batchBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024] as const;

/** `chat_send_queue_bytes` is given by each part that queues what it sends, for its own `hop`. */
export const sendQueueDoc = 'Bytes that wait to be sent on, by where they wait.';

/** What a scrape sees of one metric. */
export type Reading =
  | {
      readonly t: 'counter' | 'gauge';
      readonly name: string;
      readonly doc: string;
      readonly values: LabelledValues;
    }
  | { readonly t: 'histogram'; readonly name: string; readonly doc: string; readonly histogram: Histogram };

/** A metric, whether it has values or not: what docs/metrics.md tells of it. */
export interface Listing {
  readonly name: string;
  readonly t: 'counter' | 'gauge' | 'histogram';
  readonly doc: string;
  readonly labels: readonly string[];
}

type Read = () => number | LabelledValues;
type Metric =
  | { readonly t: 'counter'; readonly doc: string; readonly labels: Set<string>; readonly counter: Counter }
  | {
      readonly t: 'histogram';
      readonly doc: string;
      readonly labels: Set<string>;
      readonly histogram: Histogram;
    }
  | {
      readonly t: 'gauge' | 'total';
      readonly doc: string;
      readonly labels: Set<string>;
      readonly reads: Read[];
    };

/** All metrics of a process. Names are Prometheus names; `docs` of the first registration stays. */
export class Meters {
  readonly #metrics = new Map<string, Metric>();

  /** A counter, the same one for each who asks for the name. */
  counter(name: string, doc: string, label?: string): Counter {
    const known = this.#known(name, 'counter');
    if (known) return known.counter;
    const counter = new Counter(label);
    this.#metrics.set(name, {
      t: 'counter',
      doc,
      labels: new Set(label === undefined ? [] : [label]),
      counter,
    });
    return counter;
  }

  /** A histogram, the same one for each who asks for the name. */
  histogram(name: string, doc: string, buckets: readonly number[]): Histogram {
    const known = this.#known(name, 'histogram');
    if (known) return known.histogram;
    const histogram = new Histogram(buckets);
    this.#metrics.set(name, { t: 'histogram', doc, labels: new Set(), histogram });
    return histogram;
  }

  /**
   * A value that is read at each scrape, or several with `labels`. Several parts may give values under one name, each with
   * values of its own for the same labels.
   */
  gauge(name: string, doc: string, read: Read, ...labels: readonly string[]): void {
    this.#reads(name, 'gauge', { doc, read, labels });
  }

  /** Like gauge, for a number that only grows. */
  total(name: string, doc: string, read: Read, ...labels: readonly string[]): void {
    this.#reads(name, 'total', { doc, read, labels });
  }

  #reads(
    name: string,
    t: 'gauge' | 'total',
    { doc, read, labels }: { readonly doc: string; readonly read: Read; readonly labels: readonly string[] },
  ): void {
    const known = this.#known(name, t);
    if (known === undefined) this.#metrics.set(name, { t, doc, labels: new Set(labels), reads: [read] });
    else {
      known.reads.push(read);
      for (const label of labels) known.labels.add(label);
    }
  }

  /** All metrics, by name. */
  list(): Listing[] {
    return [...this.#metrics]
      .map(
        ([name, { t, doc, labels }]) =>
          ({ name, t: t === 'total' ? 'counter' : t, doc, labels: [...labels] }) as const,
      )
      .sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  #known<T extends Metric['t']>(name: string, t: T): Extract<Metric, { t: T }> | undefined {
    const known = this.#metrics.get(name);
    if (known === undefined) return undefined;
    if (known.t !== t) throw new Error(`${name} is a ${known.t} already`);
    return known as Extract<Metric, { t: T }>;
  }

  /** Every metric as it is now. A read that throws is left out and handed to `failed`. */
  read(failed: (error: unknown) => void): Reading[] {
    return [...this.#metrics].map(([name, metric]): Reading => {
      const { doc } = metric;
      if (metric.t === 'histogram') return { t: 'histogram', name, doc, histogram: metric.histogram };
      if (metric.t === 'counter') return { t: 'counter', name, doc, values: metric.counter.read() };
      const t = metric.t === 'total' ? 'counter' : 'gauge';
      return { t, name, doc, values: metric.reads.flatMap((read) => valuesOf(read, failed)) };
    });
  }
}

function valuesOf(read: Read, failed: (error: unknown) => void): LabelledValues {
  try {
    const values = read();
    return typeof values === 'number' ? [[{}, values]] : values;
  } catch (error) {
    failed(error);
    return [];
  }
}
