import { dashboards } from '../../../scripts/dashboards.ts';
import type { PrometheusClient } from '../../engines/prometheus-client.ts';

/** One query of a panel of a dashboard. */
export interface PanelQuery {
  /** dashboard / panel */
  readonly panel: string;
  /** dashboard / panel / legend */
  readonly name: string;
  readonly expr: string;
}

export const panelQueries: readonly PanelQuery[] = dashboards.flatMap(({ uid, rows }) =>
  rows.flatMap(({ panels }) =>
    panels.flatMap(({ title, queries }) =>
      queries.map(([expr, legend]) => ({
        panel: `${uid} / ${title}`,
        name: `${uid} / ${title} / ${legend}`,
        expr,
      })),
    ),
  ),
);

/** An expression as Grafana asks it where all nodes are chosen and rates are taken over so many seconds. */
export function asked(expr: string, rateSeconds: number): string {
  return expr.replaceAll('$__rate_interval', `${rateSeconds}s`).replaceAll('$instance', '.*');
}

/** The expression of a panel's query by its name. */
export function exprOf(name: string): string {
  const found = panelQueries.find((query) => query.name === name);
  if (found === undefined) throw new Error(`there is no panel ${name}`);
  return found.expr;
}

/**
 * The largest value that a query showed between two moments, with rates over so many seconds; undefined where it showed
 * none.
 */
export async function most(
  prometheus: PrometheusClient,
  { expr }: PanelQuery,
  [from, to]: readonly [from: number, to: number],
  rateSeconds = 10,
): Promise<number | undefined> {
  const series = await prometheus.range(asked(expr, rateSeconds), from, to, rateSeconds / 5);
  const values = series.flatMap((one) => one.values.map(([, value]) => value));
  const shown = values.filter((value) => !Number.isNaN(value));
  return shown.length === 0 ? undefined : Math.max(...shown);
}
