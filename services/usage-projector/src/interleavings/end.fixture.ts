import type { UsageEvent } from '@laurel/events';
import { deduplicate, figuresBy, hourOf, type Figures } from '@laurel/usage';
import { decode, REFUSED_SOURCE } from './ingest.fixture.js';
import { ALL_VIEWS, checkPrefixes, read } from './readers.fixture.js';
import type { World } from './world.fixture.js';

/**
 * What holds when all is done: every view is the fold of the deduplicated log, every record had its outcome, and nothing
 * is left to be committed.
 *
 * @param isSwept whether an audit has deleted what landed of erased people after they were erased.
 */
export function checkEnd({ tables, deadLetters, events, stored }: World, isSwept: boolean): void {
  const valid: UsageEvent[] = [];
  const dead = new Map<string, string>();
  const uncovered: string[] = [];
  for (const [partition, { records, committed, end }] of events.entries()) {
    expect({ partition, committed }).toEqual({ partition, committed: end });
    for (const record of records) {
      const place = `${partition}/${record.offset}`;
      const decoded = decode(record);
      if (!decoded.ok) dead.set(place, decoded.fault.code);
      else if (decoded.value.source === REFUSED_SOURCE) dead.set(place, 'storage_rejected');
      else valid.push(decoded.value);
      const isCovered = tables.ledger.some(
        (entry) => entry.partition === partition && entry.from <= record.offset && record.offset <= entry.to,
      );
      if (!isCovered) uncovered.push(place);
    }
  }
  expect(uncovered).toEqual([]);
  expect(sorted(deadLetters)).toEqual(sorted(dead));
  for (const [partition, { announced, committed }] of stored.entries()) {
    expect({ partition, committed }).toEqual({ partition, committed: announced.length });
  }

  const isLeft = ({ user_id }: UsageEvent): boolean => !tables.erased.has(user_id);
  const expected = figures(deduplicate(valid).filter(isLeft));
  for (const view of ALL_VIEWS) {
    const answer = read(tables, view);
    const shown = answer.flatMap(({ rows }) => rows.map(({ event }) => event));
    expect({ view, figures: figures(isSwept ? shown : shown.filter(isLeft)) }).toEqual({ view, figures: expected });
    checkPrefixes(tables, view, answer);
  }
}

const figures = (events: readonly UsageEvent[]): readonly (readonly [string, Figures])[] =>
  sorted(figuresBy(events, ({ occurred_at, user_id, model }) => JSON.stringify([hourOf(occurred_at), user_id, model])));

const sorted = <V>(map: ReadonlyMap<string, V>): readonly (readonly [string, V])[] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : 1));
