import fc from 'fast-check';
import { factsOf, titleRuleSchema, type MetricOf } from '@laurel/titles';
import { deduplicate, deduplicateOutcomes, windowBefore, windowOf } from '@laurel/usage';
import { TestDatabase } from '../test-database.fixture.js';
import {
  DAY,
  drawnFlags,
  drawnOutcomes,
  drawnUsage,
  leftOutBy,
  NOW,
  priceOf,
  record,
  TODAY,
} from './drawn-usage.fixture.js';
import { mediansOf } from './outcome-facts.js';

const rule = titleRuleSchema.parse({
  id: 'drawn',
  name: 'Drawn',
  description: 'Drawn.',
  version: 1,
  metric: { kind: 'thrift_gain', min_tokens_each: 200, min_points_each: 2, daily_cap: 9 },
  window: '3d',
  fair_play: { exclude: ['spike', 'same_instant'] },
});
const metric = rule.metric as MetricOf<'thrift_gain'>;

describe('medians of tokens for each point', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.drop());

  it('are the definition’s of each window, in whatever order they are asked for', async () => {
    // Overlapping ones, some without any usage, and twice the same.
    const daysAgo = fc.array(fc.integer({ min: -4, max: 20 }), { minLength: 6, maxLength: 10 });
    const seen = new Set<number | null>();
    await fc.assert(
      fc.asyncProperty(drawnUsage, drawnOutcomes, drawnFlags, daysAgo, async (events, outcomes, flags, ago) => {
        await record(database, events, { outcomes, flags });
        const windows = ago.map((days) => windowOf(rule.window, (TODAY - days * DAY) * 1000));
        const definition = windows.map((window) =>
          factsOf(
            deduplicate(events),
            window,
            priceOf,
            leftOutBy(rule, flags, NOW),
            deduplicateOutcomes(outcomes),
          ).medianBefore(metric),
        );
        for (const median of definition) seen.add(median);
        expect(await mediansOf(database.client, metric, windows.map(windowBefore), rule)).toEqual(definition);
      }),
      { numRuns: 4, endOnFailure: true },
    );
    expect(seen.size).toBeGreaterThan(3);
  });
});
