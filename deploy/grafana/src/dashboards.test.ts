import { readFileSync } from 'node:fs';
import { parser } from '@prometheus-io/lezer-promql';
import { parse } from 'yaml';
import { clickhouse, dashboards, prometheus, queriesOf } from './index.js';
import { metricsIn } from './promql.js';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const yaml = (path: string): unknown => parse(read(path), { merge: true });

interface Alerts {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
}
const alerts = (yaml('../alerts.yml') as Alerts).groups.flatMap(({ rules }) => rules);
const expressions = [
  ...queriesOf(dashboards['operations']?.() as never).map(({ panel, promql = '' }) => ({ of: panel, promql })),
  ...alerts.map(({ alert, expr }) => ({ of: alert, promql: expr })),
];

describe.each(Object.entries(dashboards))('the dashboard %s', (name, build) => {
  const dashboard = build();
  const kept = read(`../dashboards/${name}.json`);

  it('is kept as Grafana reads it: after a change, run node deploy/grafana/dist/write.js', () => {
    expect(JSON.parse(kept)).toEqual(JSON.parse(JSON.stringify(dashboard)));
  });

  it('has a query in each panel, of one kind, and says what each figure is', () => {
    const panels = (JSON.parse(kept) as { panels: { type: string; title: string; description?: string }[] }).panels;
    for (const panel of panels.filter(({ type }) => type !== 'row')) {
      expect(panel.description ?? '').not.toBe('');
      expect(queriesOf(dashboard).some((query) => query.panel === panel.title)).toBe(true);
    }
    for (const { sql, promql } of queriesOf(dashboard)) expect([sql, promql].filter(Boolean)).toHaveLength(1);
  });

  it('lies within 24 columns, without one panel upon another', () => {
    const { panels } = JSON.parse(kept) as { panels: { gridPos: { x: number; y: number; w: number; h: number } }[] };
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...cells.map((cell) => Number(cell.split(',')[0])))).toBeLessThan(24);
  });
});

it.each(expressions)('has an expression that Prometheus can read: $of', ({ promql }) => {
  const text = promql.replaceAll('$__rate_interval', '5m');
  const faults: string[] = [];
  parser.parse(text).iterate({
    enter: (node) => {
      if (node.type.isError) faults.push(text.slice(node.from, node.to + 20));
    },
  });
  expect(faults).toEqual([]);
  expect(metricsIn(promql).length).toBeGreaterThan(0);
});

describe('the provisioning', () => {
  it('has the data sources that the dashboards ask', () => {
    const { datasources } = yaml('../provisioning/datasources/laurel.yaml') as {
      datasources: { type: string; uid: string; jsonData: Record<string, unknown> }[];
    };
    expect(datasources.map(({ type, uid }) => ({ type, uid }))).toEqual([clickhouse, prometheus]);
  });

  it('is where docker-compose.yml puts it, with a scrape of every service', () => {
    const { services } = yaml('../../../docker-compose.yml') as {
      services: Record<
        string,
        { command?: readonly string[]; volumes?: readonly string[]; environment?: Record<string, unknown> }
      >;
    };
    const volumes = ['analysts', 'prometheus', 'grafana'].flatMap((service) => services[service]?.volumes ?? []);
    for (const path of volumes.filter((volume) => volume.startsWith('./')).map((volume) => volume.split(':')[0] ?? ''))
      expect(() => read(`../../../${path.endsWith('.yml') || path.endsWith('.sql') ? path : `${path}/`}`)).not.toThrow(
        /ENOENT/,
      );
    const { providers } = yaml('../provisioning/dashboards/laurel.yaml') as {
      providers: { options: { path: string } }[];
    };
    expect(volumes).toContain(`./deploy/grafana/dashboards:${providers[0]?.options.path}:ro`);
    const { scrape_configs: jobs } = yaml('../prometheus.yml') as {
      scrape_configs: { job_name: string; dns_sd_configs: { names: string[] }[] }[];
    };
    const own = Object.entries(services).filter(
      ([name, { command = [] }]) => command.length === 1 && command[0] === name,
    );
    expect(jobs.flatMap((job) => job.dns_sd_configs.flatMap(({ names }) => names)).sort()).toEqual(
      own.map(([name]) => name).sort(),
    );
    expect(jobs.map((job) => job.job_name)).toEqual(['laurel']);
  });
});
