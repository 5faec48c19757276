/** A query of a panel, and what its lines are called: a legend as Grafana takes it. */
export type Query = readonly [expr: string, legend: string];

/** Grafana's names for how values are written. */
export type Unit =
  | 'short'
  | 'none'
  | 'bool_on_off'
  | 'percentunit'
  | 's'
  | 'bytes'
  | 'Bps'
  | 'ops'
  | 'reqps'
  | 'cps'
  | 'wps'
  | 'rps'
  | 'pps';

/** Queries may say `$__rate_interval`, and `$instance` for the nodes that are looked at. */
export interface PanelSpec {
  readonly title: string;
  /** What it shows, and what to think of it: for whoever looks at it at night. */
  readonly doc: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** Default: graph. */
  readonly kind?: 'graph' | 'stack' | 'stat';
  /** Of 24 columns. Default: 8, for a stat 4. */
  readonly width?: number;
  readonly max?: number;
}

export interface RowSpec {
  readonly title: string;
  readonly panels: readonly PanelSpec[];
}

export interface DashboardSpec {
  /** Names its file and its address; never changes. */
  readonly uid: string;
  readonly title: string;
  readonly doc: string;
  readonly rows: readonly RowSpec[];
}

/** Increase a second of a counter, by labels. */
export function perSecond(counter: string, by = ''): string {
  return `sum${by === '' ? '' : ` by (${by})`} (rate(${counter}[$__rate_interval]))`;
}

/** The 50th, 95th and 99th percentile of a histogram. */
export function percentiles(histogram: string, more = ''): Query[] {
  return [0.5, 0.95, 0.99].map((quantile) => [
    `histogram_quantile(${quantile}, sum by (le) (rate(${histogram}_bucket{instance=~"$instance"${more}}[$__rate_interval])))`,
    `p${quantile * 100}`,
  ]);
}
