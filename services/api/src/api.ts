import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import {
  assertMigrated,
  classifyClickHouseFailure,
  connectClickHouse,
  MigrationError,
  readMigrations,
  type ClickHouseClient,
  type Migration,
} from '@laurel/clickhouse';
import { awardEvent, titleRules, topics } from '@laurel/events';
import { kafkaClient, TopicFollower } from '@laurel/kafka';
import {
  clickHouseConnection,
  clickHouseSettings,
  integer,
  kafkaConnection,
  kafkaLogger,
  kafkaSettings,
  outagePolicy,
  peopleSettings,
  type Readiness,
  type ServiceDefinition,
} from '@laurel/service-host';
import { PeopleDirectory, peopleFollower } from '@laurel/policy';
import { keepTrying } from '@laurel/stream';
import { RuleBook } from '@laurel/titles';
import { AwardLog } from './awards/award-log.js';
import { AwardStreams } from './awards/award-streams.js';
import { AwardsController } from './awards/awards.controller.js';
import { apiAdapter } from './http/adapter.js';
import { endpointsOf } from './http/endpoint.js';
import { hostEndpoints } from './http/host-endpoints.js';
import { openApiDocument } from './http/openapi.js';
import { ProblemFilter } from './http/problem-filter.js';
import { RouteMethods } from './http/route-methods.js';
import { undescribedRoutes } from './http/undescribed-routes.js';
import { OPENAPI, ReferenceController } from './reference/reference.controller.js';
import { Startup } from './startup.js';
import { CLICKHOUSE, TitlesController } from './titles/titles.controller.js';
import { UsageReads } from './usage/usage-reads.js';
import { UsageController } from './usage/usage.controller.js';

/** Nobody waits longer for a page, in ms. */
const QUERY_TIMEOUT_MS = 30_000;

/** Of the contract under /v1, which grows but does not change. */
const API_VERSION = '1.0.0';

const settings = {
  ...kafkaSettings,
  ...clickHouseSettings,
  ...peopleSettings,
  streamKeepAliveMs: integer('LAUREL_API_STREAM_KEEP_ALIVE_MS', 10, 3_600_000, {
    description:
      'an idle stream gets a comment this often, in ms; a client that takes nothing for four times this is cut off',
    default: '15000',
  }),
};

/** REST and a live stream of awards, for people and dashboards. */
export const api: ServiceDefinition<typeof settings> = {
  name: 'api',
  description: 'serves the leaderboards, titles and awards over HTTP',
  defaultPort: 8080,
  settings,
  async build(config, { log, metrics, fatal, onShutdown }) {
    const { topicPrefix } = config;
    const policy = outagePolicy(log, metrics);
    const kafka = kafkaClient(kafkaConnection(config, 'laurel-api'), kafkaLogger(log));
    const clickhouse = connectClickHouse({
      ...clickHouseConnection(config, 'laurel-api'),
      requestTimeoutMs: QUERY_TIMEOUT_MS,
    });
    onShutdown(() => clickhouse.close());
    const migrations = await readMigrations();

    const startup = new Startup();
    const awards = new AwardLog();
    const people = new PeopleDirectory({ visibility: config.peopleVisibility, figures: config.peopleFigures });
    const streams = new AwardStreams(awards, people, startup, metrics, config.streamKeepAliveMs);

    // It serves meanwhile, so that it can be asked how far it is.
    const stopped = new AbortController();
    onShutdown(() => {
      stopped.abort();
      return Promise.resolve();
    });
    keepTrying('start', () => assertMigrated(clickhouse, migrations), policy, stopped.signal).then(
      () => startup.onMigrated(),
      (error: unknown) => {
        if (!stopped.signal.aborted) fatal(error);
      },
    );
    const rules = new RuleBook();
    const follow = { topicPrefix, policy, onFatal: fatal };
    const rulesFollower = new TopicFollower(kafka, {
      ...follow,
      topic: topics.titleRules,
      reader: 'laurel-api-rules',
      onRecord: ({ offset, value }) => rules.add(offset, titleRules.decode(present(topics.titleRules, offset, value))),
    });
    const awardsFollower = new TopicFollower(kafka, {
      ...follow,
      topic: topics.titleAwards,
      reader: 'laurel-api-awards',
      onRecord: ({ offset, value }) =>
        awards.add(offset, awardEvent.decode(present(topics.titleAwards, offset, value))),
    });
    onShutdown(() => Promise.all([rulesFollower.stop(), awardsFollower.stop()]));
    Promise.all([rulesFollower.start(), awardsFollower.start()]).then(() => {
      startup.onTitlesRead();
      streams.onCaughtUp();
    }, fatal);

    const follower = peopleFollower(
      kafka,
      topicPrefix,
      ({ offset, userId, profile, isReadable }) => {
        if (!isReadable) log.warn({ offset }, 'a record of people.profiles.v1 can’t be read; its person is hidden');
        people.apply(offset, userId, profile);
      },
      policy,
      fatal,
    );
    onShutdown(() => follower.stop());
    follower.start().then(() => {
      if (stopped.signal.aborted) return;
      startup.onPeopleRead();
      streams.onCaughtUp();
    }, fatal);

    const http = apiAdapter();
    const fastify = http.getInstance();
    fastify.addHook('preClose', () => streams.closeAll());
    const routes = new RouteMethods(fastify);
    const filter = new ProblemFilter(log, routes);

    const controllers = [UsageController, TitlesController, AwardsController, ReferenceController];
    const document = openApiDocument([...endpointsOf(controllers), ...hostEndpoints], API_VERSION);

    @Module({
      controllers,
      providers: [
        { provide: OPENAPI, useValue: document },
        { provide: APP_FILTER, useValue: filter },
        { provide: UsageReads, useValue: new UsageReads(clickhouse) },
        { provide: CLICKHOUSE, useValue: clickhouse },
        { provide: RuleBook, useValue: rules },
        { provide: AwardLog, useValue: awards },
        { provide: PeopleDirectory, useValue: people },
        { provide: AwardStreams, useValue: streams },
        { provide: Startup, useValue: startup },
      ],
    })
    class ApiModule {}

    return {
      module: { module: ApiModule },
      http,
      onStarted() {
        const undescribed = undescribedRoutes(routes.all, document);
        if (undescribed.length > 0) throw new Error(`not in the OpenAPI document: ${undescribed.join(', ')}`);
      },
      readiness: async (): Promise<Readiness> => {
        const database = await databaseState(clickhouse, migrations);
        const { hasTitles, hasPeople } = startup;
        const state = (isRead: boolean): string => (isRead ? 'read' : 'reading');
        return {
          ready: startup.isMigrated && database === 'ready' && hasTitles && hasPeople,
          details: { clickhouse: database, awards: state(hasTitles), people: state(hasPeople) },
        };
      },
    };
  },
};

/** Only Laurel itself writes here, so what is no record of ours is a bug, and to read it again would end in the same way. */
function present({ name }: { readonly name: string }, offset: number, value: Uint8Array | null): Uint8Array {
  if (value === null) throw new Error(`${name}/0/${offset} is empty`);
  return value;
}

async function databaseState(
  clickhouse: ClickHouseClient,
  migrations: readonly Migration[],
): Promise<'ready' | 'not_migrated' | 'away'> {
  try {
    await assertMigrated(clickhouse, migrations);
    return 'ready';
  } catch (error) {
    if (error instanceof MigrationError) return 'not_migrated';
    if (classifyClickHouseFailure(error) === 'retriable') return 'away';
    throw error;
  }
}
