import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';

/** The data sources of provisioning/datasources/laurel.yaml; a test holds both equal. */
export const clickhouse = { type: 'grafana-clickhouse-datasource', uid: 'laurel-clickhouse' } as const;
export const prometheus = { type: 'prometheus', uid: 'laurel-prometheus' } as const;

/** A query of the ClickHouse plugin, as its editor for SQL writes it; the SDK has none. */
export interface ClickHouseQuery extends Dataquery {
  readonly refId: string;
  readonly datasource: typeof clickhouse;
  readonly editorType: 'sql';
  readonly queryType: 'timeseries' | 'table';
  /** How the plugin's server makes a frame of the rows: 0 is a time series, 1 a table. */
  readonly format: 0 | 1;
  readonly rawSql: string;
}

const sqlQuery = (rawSql: string, queryType: ClickHouseQuery['queryType']): Builder<ClickHouseQuery> => ({
  build: () => ({
    refId: 'A',
    datasource: clickhouse,
    editorType: 'sql',
    queryType,
    format: queryType === 'timeseries' ? 0 : 1,
    rawSql,
    _implementsDataqueryVariant: () => undefined,
  }),
});

/** Rows with a column `time`, columns of text that name a series, and its values; in the order of time. */
export const series = (rawSql: string): Builder<ClickHouseQuery> => sqlQuery(rawSql, 'timeseries');
export const table = (rawSql: string): Builder<ClickHouseQuery> => sqlQuery(rawSql, 'table');

/** @param legend with labels as `{{label}}` */
export const promql = (expr: string, legend: string, refId = 'A'): DataqueryBuilder =>
  new DataqueryBuilder().refId(refId).datasource(prometheus).expr(expr).legendFormat(legend).range();
