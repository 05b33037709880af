import { dayOf } from '@laurel/usage';
import { TestDatabase } from '../test-database.fixture.js';
import { keepOutcomes, latestOutcomes, type CheckOutcome } from './checks.js';

const NIGHT = Date.UTC(2026, 4, 14, 3, 0, 41, 7);

const outcome = (fields: Partial<CheckOutcome> = {}): CheckOutcome => ({
  check: 'buckets',
  endedAtMs: NIGHT,
  firstDay: null,
  compared: '841 buckets of 35 days',
  finished: true,
  findings: [],
  ...fields,
});

describe('what audits came to', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await TestDatabase.create();
  });
  afterAll(() => database.drop());

  it('is nothing before the first', async () => {
    expect(await latestOutcomes(database.client)).toEqual([]);
  });

  it('is of each check what the last audit says that made it, by name, in whatever order they were kept', async () => {
    const found = outcome({
      endedAtMs: NIGHT + 1,
      firstDay: dayOf(Date.UTC(2026, 4, 1)),
      finished: false,
      findings: [{ code: 'figures_differ', severity: 'error', found: 3, healed: 2 }],
    });
    const others = outcome({ check: 'holders', compared: '7 awards, 6 titles' });
    await keepOutcomes(database.client, [others, found]);
    await keepOutcomes(database.client, [outcome()]);
    expect(await latestOutcomes(database.client)).toEqual([found, others]);
  });
});
