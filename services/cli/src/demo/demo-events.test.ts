import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { totalTokens, validateOutcome, validateUsage, type UsageRecorded } from '@laurel/events';
import { DEFAULT_SEED, demoEvents } from './demo-events.js';
import { demoOutcomes } from './demo-outcomes.js';
import { readTrace } from './trace-file.js';
import { TRACE_FILE } from '../files.js';

const DAY_MS = 86_400_000;
const ANCHOR_MS = Date.UTC(2026, 4, 13, 10, 30);
const trace = await readTrace();
const events = demoEvents(trace, { seed: DEFAULT_SEED, anchorMs: ANCHOR_MS });

const inputOf = ({ tokens }: UsageRecorded): number => totalTokens(tokens) - tokens.output;
const countBy = (key: (event: UsageRecorded) => string | null): Map<string | null, number> => {
  const counts = new Map<string | null, number>();
  for (const event of events) counts.set(key(event), (counts.get(key(event)) ?? 0) + 1);
  return counts;
};
const shareOf = (key: (event: UsageRecorded) => string, value: string): number =>
  (countBy(key).get(value) ?? 0) / events.length;

describe('the demo events', () => {
  it('hold each request of the file with its own input and output', () => {
    const lines = gunzipSync(readFileSync(TRACE_FILE)).toString().trim().split('\n');
    const file = lines.map((line) => JSON.parse(line) as { input_length: number; output_length: number });
    expect(events.map((event) => [event.event_id, inputOf(event), event.tokens.output])).toEqual(
      file.map((request, index) => [`line-${index + 1}`, request.input_length, request.output_length]),
    );
  });

  it('are all valid, at the anchor already', () => {
    for (const event of events) expect(validateUsage(event, ANCHOR_MS - DAY_MS)).toMatchObject({ ok: true });
  });

  it('say of themselves that they are semi-synthetic', () => {
    expect(events.every((event) => event.attributes['data'] === 'semi-synthetic')).toBe(true);
  });

  it('are the same for the same seed and anchor, and others for another seed', () => {
    expect(demoEvents(trace, { seed: DEFAULT_SEED, anchorMs: ANCHOR_MS })).toEqual(events);
    const others = demoEvents(trace, { seed: 'another', anchorMs: ANCHOR_MS });
    expect(others.map((event) => event.tokens.output)).toEqual(events.map((event) => event.tokens.output));
    expect(others.filter((event, index) => event.user_id === events[index]?.user_id)).toEqual([]);
  });

  it('move each session as a whole into the 30 UTC days that end with the anchor', () => {
    const DECEMBER = Date.UTC(2026, 11, 1);
    const anchors = fc.oneof(
      fc.integer({ min: DECEMBER, max: DECEMBER + 14 * DAY_MS }),
      fc.constantFrom(DECEMBER, DECEMBER + 1, DECEMBER - 1),
    );
    fc.assert(
      fc.property(fc.string(), anchors, (seed, anchorMs) => {
        const moved = demoEvents(trace, { seed, anchorMs });
        const earliest = Math.floor(anchorMs / DAY_MS) * DAY_MS - 29 * DAY_MS;
        const shifts = new Map<string | null, number>();
        const people = new Map<string | null, string>();
        for (const [index, event] of moved.entries()) {
          if (event.occurred_at < earliest || event.occurred_at > anchorMs) return false;
          const shift = event.occurred_at - (trace[index]?.timestampMs ?? NaN);
          if ((shifts.get(event.session_id) ?? shift) !== shift) return false;
          shifts.set(event.session_id, shift);
          const person = `${event.user_id} ${event.team} ${event.model}`;
          if ((people.get(event.session_id) ?? person) !== person) return false;
          people.set(event.session_id, person);
        }
        return shifts.size === 8_057;
      }),
      { numRuns: 8 },
    );
  }, 60_000);

  it('come from some 300 people of 12 teams with a heavy tail', () => {
    const perUser = [...countBy((event) => event.user_id).values()].sort((a, b) => b - a);
    expect(perUser.length).toBeGreaterThan(290);
    expect(perUser.length).toBeLessThanOrEqual(300);
    const top10 = perUser.slice(0, 10).reduce((all, count) => all + count, 0);
    expect(top10 / events.length).toBeGreaterThan(0.25);
    expect(countBy((event) => event.team).size).toBe(12);
    const teamOf = new Map(events.map((event) => [event.user_id, event.team]));
    expect(events.filter((event) => teamOf.get(event.user_id) !== event.team)).toEqual([]);
  });

  it('use twelve models to differing extents, most calls being successful and from people', () => {
    expect(countBy((event) => event.model).size).toBe(12);
    const modelsOf = new Map<string, Set<string>>();
    for (const { user_id, model } of events) modelsOf.set(user_id, (modelsOf.get(user_id) ?? new Set()).add(model));
    const sizes = new Set([...modelsOf.values()].map((models) => models.size));
    expect([...sizes].sort()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(shareOf((event) => event.status, 'ok')).toBeCloseTo(0.96, 1);
    expect(shareOf((event) => event.origin, 'main')).toBeCloseTo(0.88, 1);
    expect(shareOf((event) => event.origin, 'subagent')).toBeGreaterThan(0.05);
  });

  it('write to Anthropic’s cache for five minutes, and are plain input where others don’t report writes', () => {
    for (const { provider, tokens } of events) {
      const unused = provider === 'anthropic' ? tokens.input : tokens.cache_write_5m;
      expect(unused + tokens.cache_write + tokens.cache_write_1h + tokens.reasoning).toBe(0);
    }
  });
});

describe('the demo outcomes', () => {
  const outcomes = demoOutcomes(events, { seed: DEFAULT_SEED, anchorMs: ANCHOR_MS });

  it('are all valid, of distinct identities, and say of themselves that they are invented', () => {
    for (const outcome of outcomes) expect(validateOutcome(outcome, ANCHOR_MS - DAY_MS)).toMatchObject({ ok: true });
    expect(new Set(outcomes.map(({ event_id }) => event_id)).size).toBe(outcomes.length);
    expect(outcomes.every(({ attributes }) => attributes['data'] === 'invented')).toBe(true);
  });

  it('come at the last request of a session, of whoever made it', () => {
    const last = new Map(events.map((event) => [event.session_id, event]));
    for (const { session_id, user_id, team, occurred_at } of outcomes) {
      expect(last.get(session_id)).toMatchObject({ user_id, team, occurred_at });
    }
  });

  it('are edits more often than commits, and commits more often than merged pull requests', () => {
    const [edits = 0, commits = 0, merged = 0] = (['edit_accepted', 'commit', 'pull_request_merged'] as const).map(
      (kind) => outcomes.filter((one) => one.kind === kind).length,
    );
    expect(edits).toBeGreaterThan(commits);
    expect(commits).toBeGreaterThan(2 * merged);
    expect(merged).toBeGreaterThan(100);
  });
});
