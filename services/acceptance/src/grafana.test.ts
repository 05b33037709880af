import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dashboards, metricsIn, queriesOf } from '@laurel/grafana';
import { parse } from 'yaml';
import { connectAnalyst, type AnalystConnection } from './analyst.js';
import { Pipeline } from './pipeline/pipeline.js';
import type { ServiceProcess } from './pipeline/service-process.js';
import { usage } from './pipeline/usage.js';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const ALERTS = new URL('../../../deploy/grafana/alerts.yml', import.meta.url);
const DAY_MS = 86_400_000;

/** As the ClickHouse plugin writes its macros out, for the last 30 days. */
function written(sql: string): string {
  const [from, to] = [Date.now() - 30 * DAY_MS, Date.now()].map((ms) => Math.floor(ms / 1000));
  return sql
    .replaceAll(/\$__timeFilter\((\w+)\)/g, `$1 >= toDateTime(${from}) AND $1 <= toDateTime(${to})`)
    .replaceAll(
      /\$__dateFilter\((\w+)\)/g,
      `$1 >= toDate('${new Date(Date.now() - 30 * DAY_MS).toISOString().slice(0, 10)}') AND $1 <= toDate('${new Date().toISOString().slice(0, 10)}')`,
    );
}

interface Answer {
  readonly meta: readonly { readonly name: string; readonly type: string }[];
  readonly data: readonly Record<string, unknown>[];
}

describe('the dashboards', () => {
  let pipeline: Pipeline;
  let analyst: AnalystConnection;
  let folder: string;
  const services: ServiceProcess[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'laurel-grafana-'));
    const endpoints = join(folder, 'endpoints.yaml');
    const endpoint = {
      name: 'nobody',
      format: 'standard-webhooks',
      url: 'http://127.0.0.1:9/',
      since: '2026-01-01T00:00:00Z',
      secrets: [SECRET],
    };
    writeFileSync(endpoints, JSON.stringify({ endpoints: [endpoint] }));
    pipeline = await Pipeline.create([]);
    for (const name of ['usage-ingest', 'usage-projector', 'title-awarder', 'api', 'award-notifier'] as const)
      services.push(await pipeline.start(name, { LAUREL_NOTIFIER_ENDPOINTS_FILE: endpoints }));
    await pipeline.publish(
      Array.from({ length: 12 }, (_, index) =>
        usage({
          user_id: `u-${index % 6}`,
          team: 'core',
          origin: index % 2 === 0 ? 'main' : 'subagent',
          occurred_at: Date.now() - Math.floor(index / 6) * DAY_MS,
          tokens: { input: 10, cache_read: 100, output: 5 },
        }),
      ),
    );
    await pipeline.settled();
    analyst = await connectAnalyst({
      url: String(pipeline.environment['LAUREL_CLICKHOUSE_URL']),
      username: String(pipeline.environment['LAUREL_CLICKHOUSE_USERNAME']),
      password: String(pipeline.environment['LAUREL_CLICKHOUSE_PASSWORD']),
      database: String(pipeline.environment['LAUREL_CLICKHOUSE_DATABASE']),
      application: 'laurel-acceptance',
    });
  });

  afterAll(async () => {
    await analyst.close();
    await pipeline.close();
    rmSync(folder, { recursive: true });
  });

  const queries = Object.values(dashboards).flatMap((build) => queriesOf(build()));

  it.each(queries.flatMap(({ panel, sql }) => (sql === undefined ? [] : [{ panel, sql }])))(
    'ask ClickHouse as an analyst, and show what was published: $panel',
    async ({ sql }) => {
      const result = await analyst.client.query({ query: written(sql), format: 'JSON' });
      const { meta, data } = (await result.json<Record<string, unknown>>()) as unknown as Answer;
      expect(data.length).toBeGreaterThan(0);
      // A time series has its time first, and then its names and values.
      if (sql.includes(' AS time')) {
        expect(meta[0]).toMatchObject({ name: 'time', type: expect.stringMatching(/^DateTime/) as unknown });
        expect(meta.slice(1).some(({ type }) => /^(?:U?Int|Float)/.test(type))).toBe(true);
      }
    },
  );

  it('name only metrics and labels that the services expose', async () => {
    const samples = await Promise.all(services.map(async ({ url }) => (await fetch(`${url}/metrics`)).text()));
    const exposed = new Set(
      samples.flatMap((text) =>
        [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].flatMap(([, name = '', type = '']) =>
          type === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
        ),
      ),
    );
    const { groups } = parse(readFileSync(ALERTS, 'utf8')) as {
      groups: readonly { readonly rules: readonly { readonly expr: string }[] }[];
    };
    const expressions = [
      ...queries.flatMap(({ promql }) => (promql === undefined ? [] : [promql])),
      ...groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
    ];
    const named = [...new Set(expressions.flatMap((promql) => metricsIn(promql)))];
    expect(named.length).toBeGreaterThan(20);
    // Prometheus makes this one itself.
    expect(named.filter((metric) => metric !== 'up' && !exposed.has(metric))).toEqual([]);
    const grouped = new Set(
      expressions.flatMap((promql) =>
        [...promql.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(/,\s*/)),
      ),
    );
    const shown = samples.join('\n');
    // Labels of what has not happened yet are not there to be seen: those of the services' own code are.
    const notYet = new Set(['code', 'step', 'outcome', 'result', 'type', 'kind', 'endpoint', 'grain']);
    expect([...grouped].filter((label) => !notYet.has(label) && !shown.includes(`${label}="`))).toEqual([]);
  });
});
