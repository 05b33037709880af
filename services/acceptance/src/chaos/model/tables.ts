import { identityOf, versionOf, type UsageEvent } from '@laurel/events';
import { deduplicate } from '@laurel/usage';
import type { PipelineView } from '../world/pipeline-view.js';
import { again } from './again.js';
import { Comparison, type CheckResult } from './differences.js';
import type { Spool } from './spool.js';
import { keyOf, sumsText, Totals } from './totals.js';

/** What the model says of the whole log, and how many events that is. */
export interface Model {
  readonly totals: Totals;
  readonly identities: number;
  readonly checks: readonly CheckResult[];
}

/** Folds the log, and compares every event of it with its row. */
export async function compareEvents(world: PipelineView, spool: Spool): Promise<Model> {
  const rows = new Comparison('usage_events has each event once, in its greatest version');
  const totals = new Totals();
  let identities = 0;
  for (let lot = 0; lot < spool.lots; lot += 1) {
    const events = spool.read(lot);
    for (const event of deduplicate(events)) totals.add(event);
    const expected = greatestVersions(events);
    identities += expected.size;
    rows.maps(expected, await again(() => storedVersions(world, lot, spool.lots)));
  }
  return { totals, identities, checks: [rows.result] };
}

function greatestVersions(events: readonly UsageEvent[]): Map<string, string> {
  const greatest = new Map<string, bigint>();
  for (const event of events) {
    const identity = identityOf(event);
    const version = versionOf(event);
    if (version > (greatest.get(identity) ?? -1n)) greatest.set(identity, version);
  }
  return new Map([...greatest].map(([identity, version]) => [identity, String(version)]));
}

async function storedVersions(world: PipelineView, lot: number, lots: number): Promise<Map<string, string>> {
  const result = await world.clickhouse.query({
    query: `SELECT source, event_id, user_id, toUnixTimestamp64Milli(occurred_at) AS at, toString(version) AS version
            FROM usage_events FINAL WHERE CRC32(event_id) % ${lots} = ${lot}
            SETTINGS do_not_merge_across_partitions_select_final = 1`,
    format: 'JSONCompactEachRow',
  });
  const found = new Map<string, string>();
  for await (const rows of result.stream<readonly [string, string, string, string, string]>()) {
    for (const row of rows) {
      const [source, event_id, user_id, at, version] = row.json();
      const identity = { source, event_id, user_id, occurred_at: Number(at) } as Parameters<typeof identityOf>[0];
      found.set(identityOf(identity), version);
    }
  }
  return found;
}

const SUMMED = [
  'events',
  'input_tokens',
  'cache_read_tokens',
  'cache_write_5m_tokens',
  'cache_write_1h_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'cost_micro_usd',
];
const MEASURES = [
  ...SUMMED.map((name) => `sum(t.${name})`),
  // As text, as a JSON number would round them.
  'toString(sum(t.list_cost_usd))',
  'toString(sum(t.cache_saving_usd))',
  'sum(t.unpriced_events)',
].join(', ');

/** A row for each hour of each user. */
const ATTENDED_HOURS = `(
  SELECT user_id, toUnixTimestamp(toDateTime(day, 'UTC')) + 3600 * hour AS at, used, own
  FROM attendance ARRAY JOIN hours AS hour, tokens AS used, own_minutes AS own)`;

/** Every figure of every projection, as people read it. */
export async function compareProjections(world: PipelineView, totals: Totals): Promise<readonly CheckResult[]> {
  const checks: CheckResult[] = [];
  const views = [
    ['usage', 'toUnixTimestamp(hour), user_id, team, provider, model, origin, status', totals.hours],
    ['usage_by_day', 'toString(day), user_id, team, toUInt8(counted)', totals.days],
    ['model_usage_by_day', 'toString(day), user_id, provider, model, toUInt8(counted)', totals.models],
  ] as const;
  for (const [view, key, expected] of views) {
    const found = await again(() => grouped(world, view, key, MEASURES));
    const comparison = new Comparison(`the view ${view} has every figure of the model`);
    comparison.maps(new Map([...expected].map(([one, sums]) => [one, sumsText(sums)])), found);
    checks.push(comparison.result);
  }
  const sessions = new Comparison('the view session_activity has every session’s minutes');
  sessions.maps(
    new Map([...totals.sessions].map(([key, bits]) => [key, String(bits)])),
    await again(() =>
      grouped(world, 'session_activity', 'toUnixTimestamp(hour), user_id, session_id', 'groupBitOr(active_minutes)'),
    ),
  );
  checks.push(sessions.result);
  const attendance = new Comparison('the view attendance has every hour’s tokens and own minutes');
  attendance.maps(
    new Map([...totals.attendance].map(([key, { tokens, minutes }]) => [key, `${tokens} ${minutes.size}`])),
    await again(() => grouped(world, ATTENDED_HOURS, 'user_id, at', 'sum(used), sum(own)')),
  );
  checks.push(attendance.result);
  return checks;
}

async function grouped(world: PipelineView, view: string, key: string, measures: string): Promise<Map<string, string>> {
  const parts = key.split(', ').length;
  const result = await world.clickhouse.query({
    query: `SELECT ${key}, ${measures} FROM ${view} AS t GROUP BY ${key}`,
    format: 'JSONCompactEachRow',
  });
  const found = new Map<string, string>();
  for await (const rows of result.stream<readonly (string | number)[]>()) {
    for (const row of rows) {
      const cells = row.json();
      found.set(keyOf(...cells.slice(0, parts)), cells.slice(parts).join(' '));
    }
  }
  return found;
}
