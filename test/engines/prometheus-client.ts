const askMs = 5_000;

export type Labels = Readonly<Record<string, string>>;

/** A value of a series, or of what a query makes of series. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export interface Series {
  readonly labels: Labels;
  /** At the steps that were asked for, where there was one. Times in seconds. */
  readonly values: readonly (readonly [time: number, value: number])[];
}

interface Answer {
  readonly status: 'success' | 'error';
  readonly error?: string;
  readonly data: unknown;
}

/** Asks a Prometheus. */
export class PrometheusClient {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** What an expression comes to at a moment, in seconds since 1970. Default: now. */
  async query(expr: string, at?: number): Promise<Sample[]> {
    const data = await this.#ask('query', { query: expr, ...(at !== undefined && { time: `${at}` }) });
    const { resultType, result } = data as { resultType: string; result: unknown };
    if (resultType === 'scalar') return [{ labels: {}, value: Number((result as [number, string])[1]) }];
    return (result as { metric: Labels; value: [number, string] }[]).map(({ metric, value }) => ({
      labels: metric,
      value: Number(value[1]),
    }));
  }

  /** What an expression comes to at each step between two moments, both included. */
  async range(expr: string, from: number, to: number, stepSeconds: number): Promise<Series[]> {
    const asked = { query: expr, start: `${from}`, end: `${to}`, step: `${stepSeconds}` };
    const { result } = (await this.#ask('query_range', asked)) as {
      result: { metric: Labels; values: [number, string][] }[];
    };
    return result.map(({ metric, values }) => ({
      labels: metric,
      values: values.map(([time, value]) => [time, Number(value)] as const),
    }));
  }

  /** The labels of all that it asks, answered or not. */
  async asks(): Promise<Labels[]> {
    const { activeTargets } = (await this.#ask('targets', { state: 'active' })) as {
      activeTargets: { labels: Labels }[];
    };
    return activeTargets.map(({ labels }) => labels);
  }

  async #ask(what: string, parameters: Readonly<Record<string, string>>): Promise<unknown> {
    const response = await fetch(`${this.#url}/api/v1/${what}?${new URLSearchParams(parameters)}`, {
      signal: AbortSignal.timeout(askMs),
    });
    const { status, error, data } = (await response.json()) as Answer;
    if (status !== 'success') throw new Error(`${what} ${JSON.stringify(parameters)}: ${error}`);
    return data;
  }
}
