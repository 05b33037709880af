import type { ClickHouseClient } from '@clickhouse/client';
import type { Statement } from './projections.js';

const HEADS = 'SELECT grain, bucket, max(roll_id) AS head FROM roll_heads GROUP BY grain, bucket';

/** SQL: whatever else figures rest on. */
const BESIDE_HEADS = `
  (SELECT toString(groupArray((grain, closed_before))) FROM
    (SELECT grain, max(closed_before) AS closed_before FROM closures GROUP BY grain ORDER BY grain)) AS boundaries,
  (SELECT toString(sum(cityHash64(user_id, version))) FROM people_choices) AS choices,
  (SELECT toString(count()) FROM erasures) AS erased,
  (SELECT toString(sum(cityHash64(day, part, head))) FROM
    (SELECT day, part, max(roll_id) AS head FROM fair_play_heads GROUP BY day, part)) AS signals,
  (SELECT toString(sum(cityHash64(day, user_id, signal, reviewed_at))) FROM fair_play_reviews FINAL) AS reviews`;

/**
 * One row that is another one as soon as any figure can be: what the views read is named by the heads and the boundaries; whom a
 * list shows, by people's choices and by who was erased; which days count, by signals and their reviews.
 */
export const figuresVersion: Statement = {
  query: `SELECT toString(sum(cityHash64(grain, bucket, head))) AS heads, ${BESIDE_HEADS} FROM (${HEADS})`,
  query_params: {},
};

/** The same, as a text. */
export async function readFiguresVersion(client: ClickHouseClient): Promise<string> {
  return (await client.query({ query: figuresVersion.query, format: 'TabSeparated' })).text();
}

/** What figures rest on, the heads one by one. */
export interface FiguresBasis {
  /** The roll of each bucket, by `grain bucket` with the bucket's start. */
  readonly heads: ReadonlyMap<string, string>;
  /** Another text as soon as anything but heads is another. */
  readonly beside: string;
}

export async function readFiguresBasis(client: ClickHouseClient): Promise<FiguresBasis> {
  const result = await client.query({
    query: `SELECT groupArray((concat(toString(grain), ' ', toString(toUnixTimestamp(bucket))), toString(head))) AS heads, ${BESIDE_HEADS} FROM (${HEADS})`,
    format: 'JSONEachRow',
  });
  const [row] = await result.json<{ heads: readonly (readonly [string, string])[] } & Record<string, unknown>>();
  const { heads = [], ...beside } = row ?? {};
  return { heads: new Map(heads), beside: JSON.stringify(beside) };
}
