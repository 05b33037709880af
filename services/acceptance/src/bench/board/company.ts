import {
  rollDay,
  rollIdOf,
  rollOutcomes,
  runAll,
  writeClosure,
  writeHeads,
  type BucketStart,
  type ClickHouseClient,
} from '@laurel/clickhouse';

const HOUR = 3600;
const DAY = 86_400;

/** The reported board: so many people, and a month's tokens of all of them and of the first. */
export const REPORTED = { people: 85_000, days: 30, tokens: 60e12, topTokens: 281e9 };
export type CompanyShape = typeof REPORTED;

/** A part of it, whose first person uses as much. */
export const companyOf = (scale: number): CompanyShape => ({
  ...REPORTED,
  people: Math.round(REPORTED.people * scale),
  tokens: REPORTED.tokens * scale,
});

/** Hours of a day in which a person is active. */
const ACTIVE_HOURS = 6;
const MODELS = 8;
const PEOPLE_A_STATEMENT = 10_000;

/**
 * How steeply use falls with rank: top · rank^-s, so that the sum over all people is `tokens`. Found by halving.
 */
export function steepness({ people, tokens, topTokens }: CompanyShape): number {
  let [flat, steep] = [0, 2];
  for (let step = 0; step < 60; step += 1) {
    const middle = (flat + steep) / 2;
    let sum = 0;
    for (let rank = 1; rank <= people; rank += 1) sum += rank ** -middle;
    if (sum * topTokens > tokens) flat = middle;
    else steep = middle;
  }
  return (flat + steep) / 2;
}

/**
 * Writes a month of a company's hours and sessions as rolls with heads, and its outcomes as events, and has its days rolled by
 * Laurel's own statements. The hour before the present one and all before it are closed, and so are all days before today.
 *
 * Each person is active on five days of seven, in six hours of such a day, mostly with one model and a little with two others; every
 * such day has outcomes of three kinds.
 */
export async function writeCompany(
  client: ClickHouseClient,
  shape: CompanyShape,
  nowMs: number,
  onProgress: (line: string) => void,
): Promise<void> {
  const thisHour = Math.floor(nowMs / 1000 / HOUR) * HOUR;
  const today = Math.floor(nowMs / 1000 / DAY) * DAY;
  const firstDay = today - (shape.days - 1) * DAY;
  const s = steepness(shape);
  const rollId = rollIdOf(0, nowMs, 0);
  // An active day's share of a person's month, each hour's of the day, and the model's of the hour.
  const aDay = (shape.days * 5) / 7;
  const query_params = { roll: String(rollId), first: firstDay, end: thisHour, top: shape.topTokens, s, aDay };
  for (let from = 0; from < shape.people; from += PEOPLE_A_STATEMENT) {
    const people = Math.min(PEOPLE_A_STATEMENT, shape.people - from);
    const hours = `SELECT rank, toDateTime({first:UInt32} + day * ${DAY} + (8 + cityHash64(rank, day) % 4 + slot * 2) * ${HOUR}, 'UTC') AS at,
        day, slot, pow(rank, -{s:Float64}) * {top:Float64} / {aDay:Float64} / ${ACTIVE_HOURS} AS tokens
      FROM (SELECT number + 1 + ${from} AS rank FROM numbers(${people})) AS people
      ARRAY JOIN range(${shape.days}) AS day
      ARRAY JOIN range(${ACTIVE_HOURS}) AS slot
      WHERE cityHash64(rank, day, 'active') % 7 < 5 AND at < toDateTime({end:UInt32}, 'UTC')`;
    await client.command({
      query: `INSERT INTO usage_by_hour (hour, roll_id, user_id, provider, model, team, origin, status, events, input_tokens,
          cache_read_tokens, cache_write_5m_tokens, output_tokens, list_cost_usd)
        SELECT at, {roll:UInt128}, concat('u-', leftPad(toString(rank), 6, '0')), 'anthropic',
          concat('model-', toString((rank + of) % ${MODELS})), concat('team-', toString(intDiv(rank, 40))), 'main', 'ok',
          1 + toUInt64(tokens * share / 60000),
          toUInt64(tokens * share * 0.1), toUInt64(tokens * share * (0.5 + (cityHash64(rank) % 40) / 100)),
          toUInt64(tokens * share * 0.05), toUInt64(tokens * share * 0.02), toDecimal128(tokens * share / 1000000, 6)
        FROM (${hours}) ARRAY JOIN [0, 1, 2] AS of, [0.8, 0.15, 0.05] AS share
        WHERE of = 0 OR cityHash64(rank, day, slot, of) % 3 = 0`,
      query_params,
    });
    await client.command({
      query: `INSERT INTO session_minutes (hour, roll_id, user_id, session_id, active_minutes)
        SELECT at, {roll:UInt128}, concat('u-', leftPad(toString(rank), 6, '0')),
          concat('s-', toString(rank), '-', toString(day), '-', toString(intDiv(slot, 2))), bitShiftRight(cityHash64(rank, at), 4)
        FROM (${hours})`,
      query_params,
    });
    await client.command({
      query: `INSERT INTO outcome_events (occurred_at, user_id, source, event_id, version, team, kind, quantity)
        SELECT toDateTime64({first:UInt32} + day * ${DAY} + (9 + cityHash64(rank, day, kind) % 9) * ${HOUR}, 3, 'UTC') AS at,
          concat('u-', leftPad(toString(rank), 6, '0')), 'bench', concat(toString(day), kind), 1,
          concat('team-', toString(intDiv(rank, 40))), kind, 1 + cityHash64(rank, day, kind) % 5
        FROM (SELECT number + 1 + ${from} AS rank FROM numbers(${people})) AS people
        ARRAY JOIN range(${shape.days}) AS day
        ARRAY JOIN ['commit', 'pull_request_merged', 'edit_accepted'] AS kind
        WHERE cityHash64(rank, day, 'active') % 7 < 5 AND at < toDateTime({end:UInt32}, 'UTC')`,
      query_params,
    });
    onProgress(`${from + people} of ${shape.people} people`);
  }
  const hourStarts: BucketStart[] = [];
  for (let hour = firstDay; hour < thisHour; hour += HOUR) hourStarts.push(hour);
  await writeHeads(client, 'hour', hourStarts, rollId);
  await writeClosure(client, 'hour', thisHour);
  for (let day = firstDay; day < today; day += DAY) {
    await runAll(client, rollDay(day, rollId));
    await writeHeads(client, 'day', [day], rollId);
  }
  await writeClosure(client, 'day', today);
  for (let day = firstDay; day <= today; day += DAY) {
    await runAll(client, rollOutcomes(day, rollId));
    await writeHeads(client, 'outcome_day', [day], rollId);
  }
  for (const table of [
    'usage_by_hour',
    'session_minutes',
    'usage_by_day_user',
    'usage_by_day_model',
    'attendance_by_day',
    'outcomes_by_day',
  ]) {
    await client.command({ query: `OPTIMIZE TABLE ${table} FINAL` });
  }
}

/**
 * Rolls a minute of the present hour, in which so many people have made a call: the first of them the same ones each time, so that only
 * those who are added have other figures than by the roll before.
 *
 * @param tick from 1, another one for each roll.
 */
export async function writeCalls(
  client: ClickHouseClient,
  { people }: CompanyShape,
  nowMs: number,
  { callers, tick }: { readonly callers: number; readonly tick: number },
): Promise<void> {
  const minute = Math.floor(nowMs / 1000 / HOUR) * HOUR;
  const rollId = rollIdOf(tick, nowMs, 0);
  await client.command({
    query: `INSERT INTO usage_by_minute (minute, roll_id, user_id, session_id, provider, model, team, origin, status, events, input_tokens,
        cache_read_tokens, cache_write_5m_tokens, output_tokens, list_cost_usd)
      SELECT toDateTime({minute:UInt32}, 'UTC'), {roll:UInt128}, concat('u-', leftPad(toString(rank), 6, '0')), concat('s-', toString(rank)),
        'anthropic', concat('model-', toString(rank % ${MODELS})), concat('team-', toString(intDiv(rank, 40))), 'main', 'ok',
        1, 6000, 50000, 3000, 1000, toDecimal128(0.06, 6)
      FROM (SELECT 1 + number * 7919 % ${people} AS rank FROM numbers(${callers}))`,
    query_params: { roll: String(rollId), minute },
  });
  await writeHeads(client, 'minute', [minute], rollId);
}
