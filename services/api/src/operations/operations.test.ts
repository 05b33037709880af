import { randomUUID } from 'node:crypto';
import { checkNames, keepOutcomes } from '@laurel/clickhouse';
import { deadLetter, topics } from '@laurel/events';
import { kafkaClient, RecordProducer } from '@laurel/kafka';
import { dayOf } from '@laurel/usage';
import { eventually } from '../testing/eventually.js';
import { testStack, type RunningApi, type TestStack } from '../testing/stack.js';

interface Operations {
  readonly lags: readonly { readonly group: string; readonly topic: string; readonly behind: number | null }[];
  readonly newest_batch_at: string | null;
  readonly last_hour: Readonly<Record<'stored' | 'dead' | 'duplicates', number>>;
  readonly last_day: Readonly<Record<'stored' | 'dead' | 'duplicates', number>>;
  readonly audit: readonly { readonly check: string; readonly last: { readonly ended_at: string } | null }[];
  readonly dead_letters: readonly { readonly code: string; readonly place: string; readonly message: string }[];
  readonly fair_play: { readonly people: number; readonly person_days: number; readonly signals: readonly object[] };
}

describe('how the pipeline is', () => {
  let stack: TestStack;
  let api: RunningApi;
  let prefix: string;

  beforeAll(async () => {
    stack = await testStack();
    prefix = String(stack.environment['LAUREL_TOPIC_PREFIX']);
    api = await stack.startApi();
  });
  afterAll(() => stack.stop());

  const now = async (): Promise<Operations> => (await (await fetch(`${api.url}/v1/operations`)).json()) as Operations;
  /** Answers are some seconds old at most. */
  const until = (isSo: (operations: Operations) => boolean): Promise<Operations> =>
    eventually(async () => {
      const operations = await now();
      return isSo(operations) ? operations : undefined;
    });

  const letter = (offset: number) =>
    deadLetter.encode({
      code: 'unknown_schema',
      message: `no schema of record ${offset}`,
      field: null,
      topic: `${prefix}${topics.usageEvents.name}`,
      partition: 0,
      offset,
      record_timestamp: 1000,
      key: null,
      value: Buffer.from('?'),
      headers: [],
      rejected_at: 1_700_000_000_000 + offset,
    });

  it('is nothing before anything came', async () => {
    const operations = await now();
    expect(operations.lags.map(({ behind }) => behind)).toEqual([null, null, null, null, null]);
    expect(operations).toMatchObject({
      newest_batch_at: null,
      last_day: { stored: 0, dead: 0, duplicates: 0 },
      dead_letters: [],
      fair_play: { people: 0, person_days: 0 },
    });
    expect(operations.fair_play.signals).toHaveLength(9);
    expect(operations.audit).toEqual(checkNames.map((check) => ({ check, last: null })));
  });

  it('counts what the ledger has of an hour and of a day, each batch once', async () => {
    const hoursAgo = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString().slice(0, -1);
    const batch = { topic: `${prefix}${topics.usageEvents.name}`, partition: 0, erased: '0' };
    const values = [
      { ...batch, from_offset: '0', to_offset: '9', rows: '7', duplicates: '1', dead: '2', written_at: hoursAgo(30) },
      { ...batch, from_offset: '10', to_offset: '19', rows: '8', duplicates: '0', dead: '2', written_at: hoursAgo(3) },
      { ...batch, from_offset: '20', to_offset: '22', rows: '3', duplicates: '0', dead: '0', written_at: hoursAgo(0) },
    ];
    for (let time = 0; time < 2; time += 1) {
      await stack.clickhouse.insert({ table: 'ingest_ledger', format: 'JSONEachRow', values });
    }
    const other = { ...values[2], topic: 'another.installation', rows: '500' };
    await stack.clickhouse.insert({ table: 'ingest_ledger', format: 'JSONEachRow', values: [other] });
    const operations = await until(({ last_day: day }) => day.stored > 0);
    expect(operations).toMatchObject({
      last_hour: { stored: 3, dead: 0, duplicates: 0 },
      last_day: { stored: 11, dead: 2, duplicates: 0 },
    });
    expect(Date.now() - Date.parse(String(operations.newest_batch_at))).toBeLessThan(60_000);
  });

  it('says of each check what the last audit came to that made it', async () => {
    const endedAtMs = Date.now();
    const outcome = { firstDay: null, compared: '841 buckets of 35 days', finished: true, findings: [] };
    const findings = [{ code: 'figures_differ', severity: 'error', found: 3, healed: 2 }] as const;
    await keepOutcomes(stack.clickhouse, [
      { ...outcome, check: 'buckets', endedAtMs: endedAtMs - 1, findings: [] },
      { ...outcome, check: 'holders', endedAtMs: endedAtMs - 1 },
    ]);
    await keepOutcomes(stack.clickhouse, [
      { ...outcome, check: 'buckets', endedAtMs, firstDay: dayOf(Date.UTC(2026, 4, 1)), finished: false, findings },
    ]);
    const { audit } = await until((operations) => operations.audit.some(({ last }) => last !== null));
    expect(audit.filter(({ last }) => last !== null)).toEqual([
      {
        check: 'buckets',
        last: {
          ended_at: new Date(endedAtMs).toISOString(),
          first_day: '2026-05-01',
          compared: '841 buckets of 35 days',
          finished: false,
          findings,
        },
      },
      { check: 'holders', last: expect.objectContaining({ first_day: null, finished: true, findings: [] }) as object },
    ]);
  });

  it('lists the newest dead letters, and passes over what is none', async () => {
    const kafka = kafkaClient({
      brokers: String(stack.environment['LAUREL_KAFKA_BROKERS']).split(','),
      clientId: 'test',
    });
    const producer = new RecordProducer(kafka, prefix);
    await producer.connect();
    try {
      const records = Array.from({ length: 70 }, (_, offset) => ({ key: String(offset), value: letter(offset) }));
      await producer.send(topics.deadLetters.name, [
        ...records,
        { key: randomUUID(), value: Buffer.from('no letter') },
        { key: '1', value: null },
      ]);
    } finally {
      await producer.close();
    }
    const { dead_letters: letters } = await until(({ dead_letters: some }) => some.length > 0);
    expect(letters).toHaveLength(50);
    expect(letters[0]).toMatchObject({
      code: 'unknown_schema',
      message: 'no schema of record 69',
      place: `${prefix}usage.events.v1/0/69`,
    });
  });

  it('says how far behind each group is that ever was here', async () => {
    const kafka = kafkaClient({
      brokers: String(stack.environment['LAUREL_KAFKA_BROKERS']).split(','),
      clientId: 'test',
    });
    const admin = kafka.admin();
    await admin.connect();
    try {
      const topic = `${prefix}${topics.titleAwards.name}`;
      await admin.setOffsets({
        groupId: `${prefix}laurel-award-notifier`,
        topic,
        partitions: [{ partition: 0, offset: '0' }],
      });
    } finally {
      await admin.disconnect();
    }
    const { lags } = await until((operations) => operations.lags.some(({ behind }) => behind !== null));
    expect(lags.filter(({ behind }) => behind !== null)).toEqual([
      { group: 'laurel-award-notifier', topic: 'titles.awards.v1', behind: 0 },
    ]);
  });
});
