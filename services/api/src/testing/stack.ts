import { randomUUID } from 'node:crypto';
import {
  applyMigrations,
  connectClickHouse,
  readMigrations,
  PriceKeeper,
  rollDay,
  rollHours,
  rollIdOf,
  runAll,
  versionOfRecord,
  writeChoices,
  writeClosure,
  writeHeads,
  type ClickHouseClient,
} from '@laurel/clickhouse';
import { takeOutcomes, UsageRows } from '@laurel/clickhouse/fixture';
import {
  awardEvent,
  personProfile,
  topics,
  type AwardEvent,
  type OutcomeEvent,
  type PersonProfile,
  type UsageEvent,
} from '@laurel/events';
import { applyTopics, classifyKafkaFailure, FencedWriter, kafkaClient, RecordProducer } from '@laurel/kafka';
import { PriceCatalogue } from '@laurel/usage/price-list';
import { startService, type RunningService } from '@laurel/service-host';
import { keepTrying } from '@laurel/stream';
import { titleKey } from '@laurel/titles';
import { dayOf, hourOf } from '@laurel/usage';
import { api } from '../api.js';
import { startApiProcess } from './api-process.js';
import { eventually } from './eventually.js';

function testVariable(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') {
    throw new Error(`${name} is not set; run the tests by: node deploy/local/dist/with-stack.js -- <command>`);
  }
  return value;
}

type Environment = Readonly<Record<string, string>>;

export interface RunningApi extends RunningService {
  /** What would have ended its own process. */
  readonly failures: readonly unknown[];
}

/** A database and topics of its own on the real stack, and APIs over them. */
export interface TestStack {
  readonly clickhouse: ClickHouseClient;
  readonly clickHouseUrl: string;
  /** What a service or the `laurel` command is told of it. */
  readonly environment: Environment;
  /** Stores events and projects every hour and day that they touch. */
  readonly store: (events: readonly UsageEvent[]) => Promise<void>;
  /** Stores outcomes and projects every day that they touch. */
  readonly storeOutcomes: (outcomes: readonly OutcomeEvent[]) => Promise<void>;
  /** Appends to `titles.awards.v1`, in one transaction. */
  readonly append: (awards: readonly AwardEvent[]) => Promise<void>;
  /** Appends to `people.profiles.v1`, and writes it to the tables as usage-projector does. Null takes a choice back. */
  readonly choose: (userId: string, choice: Partial<PersonProfile> | null) => Promise<void>;
  /** Starts an API in this process; resolves when it is ready, unless told not to wait. */
  readonly startApi: (environment?: Environment, untilReady?: boolean) => Promise<RunningApi>;
  /** Starts the built API in a process of its own, likewise. */
  readonly startApiProcess: (environment?: Environment, untilReady?: boolean) => Promise<RunningService>;
  readonly stop: () => Promise<void>;
}

export async function testStack(): Promise<TestStack> {
  const clickHouseUrl = testVariable('LAUREL_TEST_CLICKHOUSE_URL');
  const brokers = testVariable('LAUREL_TEST_KAFKA_BROKERS');
  const username = process.env['LAUREL_TEST_CLICKHOUSE_USERNAME'] ?? 'default';
  const password = process.env['LAUREL_TEST_CLICKHOUSE_PASSWORD'] ?? '';
  const id = randomUUID().slice(0, 8);
  const database = `api_test_${id}`;
  const prefix = `api-test-${id}.`;

  const connection = { url: clickHouseUrl, username, password, database, application: 'api-test' };
  await applyMigrations(connection, await readMigrations());
  const clickhouse = connectClickHouse(connection);
  const kafka = kafkaClient({ brokers: brokers.split(','), clientId: 'api-test' });
  // A broker may not know a topic yet that it has just created.
  await keepTrying('topics', () => applyTopics(kafka, Object.values(topics), { prefix, replicationFactor: 1 }), {
    classify: classifyKafkaFailure,
  });

  let stored = 0;
  let chosen = 0;
  const running = new Set<RunningService>();
  const begun = async (service: RunningService, untilReady: boolean): Promise<RunningService> => {
    running.add(service);
    if (untilReady) {
      await eventually(async () => ((await fetch(`${service.url}/ready`)).status === 200 ? true : undefined));
    }
    const stop = async (): Promise<void> => {
      running.delete(service);
      await service.stop();
    };
    return { url: service.url, stop };
  };
  const defaults = {
    LAUREL_CLICKHOUSE_URL: clickHouseUrl,
    LAUREL_CLICKHOUSE_USERNAME: username,
    LAUREL_CLICKHOUSE_PASSWORD: password,
    LAUREL_CLICKHOUSE_DATABASE: database,
    LAUREL_KAFKA_BROKERS: brokers,
    LAUREL_TOPIC_PREFIX: prefix,
    LAUREL_HTTP_PORT: '0',
    LAUREL_LOG_FORMAT: 'json',
    LAUREL_LOG_LEVEL: 'error',
  };
  return {
    clickhouse,
    clickHouseUrl,
    environment: defaults,
    async store(events) {
      await new PriceKeeper(clickhouse, new PriceCatalogue()).ensure(events);
      const days = [...new Set(events.map((event) => dayOf(event.occurred_at)))].sort((a, b) => a - b);
      for (const day of days) {
        const own = events.filter((event) => dayOf(event.occurred_at) === day);
        const rows = new UsageRows();
        for (const event of own) {
          rows.push(event, { topic: 'test', partition: 0, offset: stored, timestampMs: event.occurred_at });
          stored += 1;
        }
        await rows.insert(clickhouse);
        const hours = [...new Set(own.map((event) => hourOf(event.occurred_at) * 3600))].sort((a, b) => a - b);
        const roll = rollIdOf(stored, Date.now(), 0);
        await runAll(clickhouse, rollHours(hours, roll));
        await writeHeads(clickhouse, 'hour', hours, roll);
        await runAll(clickhouse, rollDay(day * 86_400, roll));
        await writeHeads(clickhouse, 'day', [day * 86_400], roll);
      }
      const tomorrow = (dayOf(Date.now()) + 1) * 86_400;
      await writeClosure(clickhouse, 'hour', tomorrow);
      await writeClosure(clickhouse, 'day', tomorrow);
    },
    storeOutcomes: (outcomes) => takeOutcomes({ client: clickhouse }, outcomes),
    async append(awards) {
      const writer = await FencedWriter.claim(kafka, `${prefix}test`, prefix);
      try {
        await writer.write({
          [topics.titleAwards.name]: awards.map((award) => ({
            key: titleKey({ titleId: award.title_id, scope: award.scope }),
            value: awardEvent.encode(award),
          })),
        });
      } finally {
        await writer.close();
      }
    },
    async choose(userId, choice) {
      const profile: PersonProfile | null =
        choice === null
          ? null
          : {
              user_id: userId,
              visibility: 'handle',
              display_name: null,
              handle: null,
              figures: 'exact',
              changed_at: Date.now(),
              changed_by: 'self',
              ...choice,
            };
      const producer = new RecordProducer(kafka, prefix);
      await producer.connect();
      try {
        const value = profile === null ? null : personProfile.encode(profile);
        await producer.send(topics.peopleProfiles.name, [{ key: userId, value }]);
      } finally {
        await producer.close();
      }
      await writeChoices(clickhouse, [{ userId, choice: profile, version: versionOfRecord(chosen) }]);
      chosen += 1;
    },
    async startApi(environment = {}, untilReady = true) {
      const failures: unknown[] = [];
      const service = await startService(api, { ...defaults, ...environment }, (error) => failures.push(error));
      return { ...(await begun(service, untilReady)), failures };
    },
    async startApiProcess(environment = {}, untilReady = true) {
      return begun(await startApiProcess({ ...defaults, ...environment }), untilReady);
    },
    async stop() {
      for (const service of running) await service.stop();
      await clickhouse.command({ query: `DROP DATABASE ${database}` });
      await clickhouse.close();
    },
  };
}
