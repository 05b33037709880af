import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { operations } from './operations.js';
import { usage } from './usage.js';

export { clickhouse, prometheus } from './sources.js';
export { metricsIn } from './promql.js';

/** By the name of the file, in dashboards/. */
export const dashboards: Readonly<Record<string, () => Dashboard>> = { usage, operations };

/** What a panel asks its data source. */
export interface PanelQuery {
  readonly panel: string;
  /** For ClickHouse, with the plugin's macros. */
  readonly sql?: string;
  /** For Prometheus, with Grafana's variables. */
  readonly promql?: string;
}

/** The queries of all panels, in their order. */
export function queriesOf(dashboard: Dashboard): readonly PanelQuery[] {
  const parsed = JSON.parse(JSON.stringify(dashboard)) as { readonly panels: readonly Panel[] };
  return parsed.panels.flatMap(({ title = '', targets = [] }) =>
    targets.map(({ rawSql, expr }) => ({
      panel: title,
      ...(rawSql === undefined ? {} : { sql: rawSql }),
      ...(expr === undefined ? {} : { promql: expr }),
    })),
  );
}

interface Panel {
  readonly title?: string;
  readonly targets?: readonly { readonly rawSql?: string; readonly expr?: string }[];
}
