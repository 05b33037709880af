import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { hiddenAmong, recordErasure, userHashOf, writeChoices } from '@laurel/clickhouse';
import { TestDatabase } from '@laurel/clickhouse/fixture';
import { personProfile, topics, type PersonProfile } from '@laurel/events';
import { applyTopics, classifyKafkaFailure, kafkaClient, RecordProducer, type Kafka } from '@laurel/kafka';
import { PeopleChoices } from './people-choices.js';

const STANDARD = { visibility: 'handle', figures: 'exact' } as const;

describe('the table of people’s choices', () => {
  let kafka: Kafka;
  let database: TestDatabase;
  let topicPrefix: string;
  let producer: RecordProducer;
  let running: PeopleChoices[];
  let unreadable: number;

  beforeEach(async () => {
    const brokers = process.env['LAUREL_TEST_KAFKA_BROKERS'];
    if (brokers === undefined) throw new Error('LAUREL_TEST_KAFKA_BROKERS is not set; see with-stack in deploy/local');
    kafka = kafkaClient({ brokers: brokers.split(','), clientId: 'projector-test' });
    topicPrefix = `people-choices-${randomUUID()}.`;
    await applyTopics(kafka, [topics.peopleProfiles], { prefix: topicPrefix, replicationFactor: 1 });
    database = await TestDatabase.create();
    producer = new RecordProducer(kafka, topicPrefix);
    await producer.connect();
    running = [];
    unreadable = 0;
  });
  afterEach(async () => {
    await Promise.all(running.map((one) => one.stop()));
    await producer.close();
    await database.drop();
  });

  async function start(
    standard: typeof STANDARD | { visibility: 'hidden'; figures: 'bands' } = STANDARD,
  ): Promise<void> {
    const choices = new PeopleChoices(
      kafka,
      database.client,
      topicPrefix,
      standard,
      { classify: classifyKafkaFailure },
      { onUnreadable: () => (unreadable += 1) },
      (error) => {
        throw error;
      },
    );
    running.push(choices);
    await choices.start();
  }
  const send = (user: string, visibility: PersonProfile['visibility'] | null): Promise<void> =>
    producer.send(topics.peopleProfiles.name, [
      {
        key: user,
        value:
          visibility === null
            ? null
            : personProfile.encode({
                user_id: user,
                visibility,
                display_name: null,
                handle: null,
                figures: 'exact',
                changed_at: 7,
                changed_by: 'self',
              }),
      },
    ]);
  const table = async (): Promise<Record<string, string>> => {
    const rows = await database.rows<{ user_id: string; visibility: string }>(
      "SELECT user_id, toString(visibility) AS visibility FROM people_choices FINAL WHERE user_id != ''",
    );
    return Object.fromEntries(rows.map(({ user_id, visibility }) => [user_id, visibility]));
  };
  async function becomes(expected: Record<string, string>): Promise<void> {
    const deadline = Date.now() + 60_000;
    while (JSON.stringify(sorted(await table())) !== JSON.stringify(sorted(expected)) && Date.now() < deadline)
      await sleep(25);
    expect(await table()).toEqual(expected);
  }
  const sorted = (record: Record<string, string>) => Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));

  it('says what the topic says once it has started, and follows it, with two instances at once', async () => {
    await send('u-1', 'hidden');
    await send('u-2', 'hidden');
    await send('u-2', 'handle');
    await send('u-3', 'name');
    await send('u-3', null);
    await start();
    expect(await table()).toEqual({ 'u-1': 'hidden', 'u-2': 'handle' });
    await start();
    await send('u-1', null);
    await send('u-2', 'hidden');
    await send('u-4', 'name');
    await becomes({ 'u-2': 'hidden', 'u-4': 'name' });
    expect(await hiddenAmong(database.client, ['u-1', 'u-2', 'u-4'])).toEqual(new Set(['u-2']));
  });

  it('loses at the next start what was taken back while nobody looked, though the topic no longer says so', async () => {
    await send('u-1', 'handle');
    await send('u-2', 'handle');
    // As if the record of u-gone and its tombstone had been between the two, and were compacted away.
    await writeChoices(database.client, [
      { userId: 'u-gone', choice: { visibility: 'name', figures: 'exact', changed_at: 1 }, version: 0 },
    ]);
    await start();
    expect(await table()).toEqual({ 'u-1': 'handle', 'u-2': 'handle' });
    await send('u-gone', 'hidden');
    await becomes({ 'u-1': 'handle', 'u-2': 'handle', 'u-gone': 'hidden' });
  });

  it('has the company’s default', async () => {
    await send('u-1', 'handle');
    await start({ visibility: 'hidden', figures: 'bands' });
    expect(await hiddenAmong(database.client, ['u-1', 'u-2'])).toEqual(new Set(['u-2']));
    await start(STANDARD);
    expect(await hiddenAmong(database.client, ['u-1', 'u-2'])).toEqual(new Set());
  });

  it('hides whose record can’t be read', async () => {
    await producer.send(topics.peopleProfiles.name, [{ key: 'u-odd', value: Buffer.from('?') }]);
    await start();
    expect([await table(), unreadable]).toEqual([{ 'u-odd': 'hidden' }, 1]);
  });

  it('does not take in an erased person again', async () => {
    await send('u-1', 'name');
    await recordErasure(database.client, userHashOf('u-1'));
    await start();
    await send('u-1', null);
    await send('u-2', 'name');
    await becomes({ 'u-2': 'name' });
    expect(await database.rows("SELECT count() AS n FROM people_choices WHERE user_id = 'u-1'")).toEqual([{ n: '0' }]);
  });

  it('halts where it rests on records that the topic does not have, rather than show who hid', async () => {
    await writeChoices(database.client, [
      { userId: 'u-1', choice: { visibility: 'hidden', figures: 'exact', changed_at: 1 }, version: 40 },
    ]);
    await send('u-1', 'handle');
    await expect(start()).rejects.toMatchObject({ code: 'log_end_below_recorded' });
    expect(await table()).toEqual({ 'u-1': 'hidden' });
  });
});
