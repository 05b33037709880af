import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import {
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  SortOrder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
} from '@grafana/grafana-foundation-sdk/common';
import {
  StackingConfigBuilder,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
  ReduceDataOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import { ThresholdsConfigBuilder, ThresholdsMode } from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** What every panel says of itself. */
export interface About {
  readonly title: string;
  /** What the figure is, and what it is not. */
  readonly description: string;
  /** Grafana's name of a unit, such as `short`, `currencyUSD`, `percentunit`, `s`. */
  readonly unit: string;
  /** Of 24 columns. */
  readonly width: number;
}

type Queries = readonly Builder<Dataquery>[];

/** A line for each series, or what stacks up where the whole is of interest. */
export function lines({ title, description, unit, width }: About, queries: Queries): TimeSeriesBuilder {
  return new TimeSeriesBuilder()
    .title(title)
    .description(description)
    .unit(unit)
    .min(0)
    .span(width)
    .height(8)
    .targets([...queries])
    .lineWidth(1)
    .fillOpacity(8)
    .showPoints(VisibilityMode.Never)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
}

export const stacked = (about: About, queries: Queries): TimeSeriesBuilder =>
  lines(about, queries)
    .drawStyle(GraphDrawStyle.Bars)
    .fillOpacity(80)
    .lineWidth(0)
    .stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'));

/** The last value. */
export const figure = ({ title, description, unit, width }: About, queries: Queries): StatBuilder =>
  new StatBuilder()
    .title(title)
    .description(description)
    .unit(unit)
    .span(width)
    .height(4)
    .targets([...queries])
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false));

/** A figure that is green up to a bound, and red from it on. */
export const bounded = (about: About, bad: number, queries: Queries): StatBuilder =>
  figure(about, queries).thresholds(
    new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
      { value: null, color: 'green' },
      { value: bad, color: 'red' },
    ]),
  );

export const rows = ({ title, description, unit, width }: About, queries: Queries): TableBuilder =>
  new TableBuilder()
    .title(title)
    .description(description)
    .unit(unit)
    .span(width)
    .height(8)
    .targets([...queries]);
