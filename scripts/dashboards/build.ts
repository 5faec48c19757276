import * as common from '@grafana/grafana-foundation-sdk/common';
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  type RowPanel,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as GraphBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import type { DashboardSpec, PanelSpec } from './spec.ts';

/** The name of the variable, not of a datasource: Grafana asks for one, and the provisioned one comes first. */
const datasource = { type: 'prometheus', uid: '${datasource}' };
const tag = 'parley';
const graphHeight = 8;
const statHeight = 4;

/** A dashboard as Grafana 12 takes it. */
export function build({ uid, title, doc, rows }: DashboardSpec): Dashboard {
  const dashboard = new DashboardBuilder(title)
    .uid(uid)
    .description(doc)
    .tags([tag])
    .readonly()
    .refresh('10s')
    .time({ from: 'now-1h', to: 'now' })
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .link(new DashboardLinkBuilder('Parley').type(DashboardLinkType.Dashboards).tags([tag]).keepTime(true))
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'))
    .withVariable(
      new QueryVariableBuilder('instance')
        .label('Node')
        .datasource(datasource)
        .query('label_values(up{job="parley"}, instance)')
        .refresh(VariableRefresh.OnTimeRangeChanged)
        .sort(VariableSort.NaturalAsc)
        .multi(true)
        .includeAll(true)
        .allValue('.*'),
    );
  for (const row of rows) {
    dashboard.withRow(new RowBuilder(row.title));
    for (const panel of row.panels) dashboard.withPanel(panelOf(panel));
  }
  const built = dashboard.build();
  // Ids are what links to single panels are made of: Grafana wants them to differ.
  for (const [at, panel] of (built.panels ?? []).entries()) (panel as Panel | RowPanel).id = at + 1;
  return built;
}

function panelOf(spec: PanelSpec): GraphBuilder | StatBuilder {
  const { title, doc, unit, queries, kind = 'graph', width } = spec;
  const targets = queries.map(([expr, legend], at) => {
    const query = new DataqueryBuilder()
      .refId(String.fromCharCode('A'.charCodeAt(0) + at))
      .expr(expr)
      .legendFormat(legend);
    return kind === 'stat' ? query.instant() : query.range();
  });
  const panel = kind === 'stat' ? stat() : graph(kind);
  panel.title(title).description(doc).datasource(datasource).unit(unit).targets(targets);
  panel.span(width ?? (kind === 'stat' ? 4 : 8)).height(kind === 'stat' ? statHeight : graphHeight);
  if (kind !== 'stat') panel.min(0);
  if (spec.max !== undefined) panel.max(spec.max);
  return panel;
}

function stat(): StatBuilder {
  return new StatBuilder()
    .graphMode(common.BigValueGraphMode.None)
    .colorMode(common.BigValueColorMode.None)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false));
}

function graph(kind: 'graph' | 'stack'): GraphBuilder {
  const stacked = kind === 'stack';
  return new GraphBuilder()
    .lineWidth(1)
    .fillOpacity(stacked ? 40 : 0)
    .showPoints(common.VisibilityMode.Never)
    .stacking(
      new common.StackingConfigBuilder().mode(
        stacked ? common.StackingMode.Normal : common.StackingMode.None,
      ),
    )
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true)
        .calcs([]),
    )
    .tooltip(
      new common.VizTooltipOptionsBuilder()
        .mode(common.TooltipDisplayMode.Multi)
        .sort(common.SortOrder.Descending),
    );
}
