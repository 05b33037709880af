import type { LoadRun } from './board/load.js';
import type { PageRun } from './board/page.js';
import type { BoardRun } from './board/run.js';
import type { FreshnessRun } from './freshness/run.js';
import type { GrowthRun } from './ingest/growth.js';
import type { IngestRun } from './ingest/run.js';
import type { Cost } from './processes.js';
import type { PublisherRun } from './publisher/run.js';
import { digits, percentile, shown, spreadOf, type Spread } from './statistics.js';

const MILLION = 1e6;

/** In Markdown. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Of a million events, over all runs. */
const perMillion = (run: IngestRun, of: (cost: Cost) => number): Spread =>
  spreadOf(run.costs.map((cost) => (of(cost) / run.events) * MILLION));

const cpuOf = ({ cpu }: Cost, isCounted: (name: string) => boolean = () => true): number =>
  Object.entries(cpu).reduce((sum, [name, seconds]) => sum + (isCounted(name) ? seconds : 0), 0);
const isClickHouse = (name: string): boolean => name === 'clickhouse';

/** The parts of an ingest run's cost, each as cells of a row. */
const costCells = (run: IngestRun): readonly string[] => [
  shown(perMillion(run, (cost) => cpuOf(cost))),
  shown(perMillion(run, (cost) => cpuOf(cost, isClickHouse))),
  shown(perMillion(run, (cost) => cpuOf(cost, (name) => name.startsWith('usage-ingest') || name === 'client'))),
  shown(perMillion(run, (cost) => cpuOf(cost, (name) => name.startsWith('usage-projector')))),
  shown(perMillion(run, ({ wallSeconds }) => wallSeconds)),
];
const COST_HEADS = ['CPU s per 1 M', 'ClickHouse’s', 'the consumer’s', 'the projector’s', 'wall s per 1 M'];

export const ingestTable = (runs: readonly IngestRun[]): string =>
  table(
    ['', 'events as', ...COST_HEADS],
    runs.map((run) => [run.peer, run.framing, ...costCells(run)]),
  );

export const growthTable = (runs: readonly GrowthRun[]): string =>
  table(
    ['events', 'people', 'partitions', ...COST_HEADS],
    runs.map((run) => [String(run.events), String(run.people), String(run.partitions), ...costCells(run)]),
  );

/** Of one core, in per cent. */
const coreShare = ({ cpu, wallSeconds }: Cost, isCounted: (name: string) => boolean): number =>
  (cpuOf({ cpu, wallSeconds }, isCounted) / wallSeconds) * 100;

export const freshnessTable = (runs: readonly FreshnessRun[]): string =>
  table(
    [
      'events/s',
      'figure p50 s',
      'p99 s',
      'most s',
      'award p50 s',
      'most s',
      'ingest and its inserts',
      'projector and its queries',
    ],
    runs.map((run) => [
      String(run.rate),
      ...[50, 99, 100].map((percent) => digits(percentile(run.visibleMs, percent) / 1000)),
      ...[50, 100].map((percent) => digits(percentile(run.awardMs, percent) / 1000)),
      `${digits(coreShare(run.ingest, () => true))} %`,
      `${digits(coreShare(run.projecting, (name) => name !== 'usage-ingest') - coreShare(run.ingest, isClickHouse))} %`,
    ]),
  );

export const boardTables = (runs: readonly BoardRun[]): string =>
  table(
    ['people', 'what', 'first ms', 'p50 ms', 'p95 ms', 'most ms'],
    runs.flatMap(({ company, latencies, titles, ticks, callers, awarderMiB, simulation, simulationMinutes }) => [
      ...latencies.map(({ what, first, p50, p95, most }) => [
        String(company.people),
        what,
        ...[first, p50, p95, most].map((ms) => digits(ms)),
      ]),
      [
        String(company.people),
        `all titles evaluated: ${digits(cpuOf(titles))} CPU s (of it ClickHouse ${digits(cpuOf(titles, isClickHouse))}), most memory ${Math.round(awarderMiB)} MiB`,
        '',
        '',
        '',
        '',
      ],
      [
        String(company.people),
        `all titles at a tick, ${callers} people’s calls after the last one: ${shown(spreadOf(ticks.map((one) => cpuOf(one))))} CPU s (of it ClickHouse ${shown(spreadOf(ticks.map((one) => cpuOf(one, isClickHouse))))})`,
        '',
        '',
        '',
        '',
      ],
      [
        String(company.people),
        `a month of all titles simulated at each hour: ${simulation === null ? `given up after ${simulationMinutes} min` : `${digits(simulation.wallSeconds)} s (ClickHouse ${digits(cpuOf(simulation))} CPU s)`}`,
        '',
        '',
        '',
        '',
      ],
    ]),
  );

export const loadTable = (runs: readonly LoadRun[]): string =>
  table(
    [
      'people',
      'streams',
      'requests/s',
      'requests',
      'failures',
      'p50 ms',
      'p99 ms',
      'most ms',
      'streams told',
      'API CPU s',
      'client CPU s',
      'API MiB',
    ],
    runs.map((run) => [
      String(run.people),
      String(run.streams),
      String(run.rate),
      String(run.requests),
      String(run.failures),
      ...[run.p50, run.p99, run.most].map((ms) => digits(ms)),
      String(run.streamsTold),
      digits(run.cost.cpu['api'] ?? 0),
      digits(run.cost.cpu['client'] ?? 0),
      String(Math.round(run.apiMiB)),
    ]),
  );

export const pageTables = ({ company, pages, interactions }: PageRun): string =>
  [
    `${company.people} people`,
    table(
      [
        'page',
        'first content p50 ms',
        'p95',
        'largest content p50 ms',
        'p95',
        'all figures p50 ms',
        'p95',
        'layout shift',
      ],
      pages.map(({ page, firstContentMs, largestContentMs, allReadMs, layoutShift }) => [
        page,
        ...[firstContentMs, largestContentMs, allReadMs].flatMap((ms) =>
          [50, 95].map((percent) => digits(percentile(ms, percent))),
        ),
        digits(Math.max(...layoutShift)),
      ]),
    ),
    table(
      ['interaction', 'how many', 'p50 ms', 'p95 ms', 'most ms'],
      interactions.map(({ what, durationsMs }) => [
        what,
        String(durationsMs.length),
        ...[50, 95, 100].map((percent) => digits(percentile(durationsMs, percent))),
      ]),
    ),
  ].join('\n\n');

export const publisherTable = (runs: readonly PublisherRun[]): string =>
  table(
    ['client', 'does', 'events/s', 'CPU s per 1 M'],
    runs.map(({ client, does, rates, cpuSecondsPerMillion }) => [
      client,
      does,
      shown(spreadOf(rates.map(Math.round))),
      cpuSecondsPerMillion.length === 0 ? '' : shown(spreadOf(cpuSecondsPerMillion)),
    ]),
  );
