import { randomBytes } from 'node:crypto';
import { Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
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
  hostSettings,
  integer,
  kafkaConnection,
  kafkaLogger,
  kafkaSettings,
  networkList,
  optionalSecret,
  originList,
  outagePolicy,
  peopleSettings,
  type Readiness,
  type ServiceDefinition,
} from '@laurel/service-host';
import { PeopleDirectory, peopleFollower } from '@laurel/policy';
import { keepTrying } from '@laurel/stream';
import { RuleBook } from '@laurel/titles';
import { AccessGuard, HOST_ENDPOINTS } from './access/access-guard.js';
import { AccessInterceptor } from './access/access-interceptor.js';
import { AccessLog } from './access/access-log.js';
import { Authentication } from './access/authenticate.js';
import { Exports } from './access/exports.js';
import { registerAccess } from './access/register.js';
import { accessOf, accessSettings } from './access/settings.js';
import { Sessions } from './access/sessions.js';
import { SIGN_IN } from './access/sign-in.controller.js';
import { AwardLog } from './awards/award-log.js';
import { FiguresFeed } from './figures/figures-feed.js';
import { readFirst } from './first-reads.js';
import { CLICKHOUSE } from './clickhouse.js';
import { controllers, readDescription } from './description.js';
import { apiAdapter } from './http/adapter.js';
import { Cursors } from './http/cursors.js';
import { EventStreams } from './http/event-streams.js';
import { hostEndpoints } from './http/host-endpoints.js';
import { ProblemFilter } from './http/problem-filter.js';
import { RenderedAnswers } from './http/rendered-answers.js';
import { RouteMethods } from './http/route-methods.js';
import { undescribedRoutes } from './http/undescribed-routes.js';
import { isPageBuilt, servePage } from './page/page.js';
import { OPENAPI } from './reference/reference.controller.js';
import { OperationsReads } from './operations/operations.js';
import { ChoiceWriter } from './people/choice-writer.js';
import { Startup } from './startup.js';
import { TitleReads } from './titles/title-reads.js';
import { Leaderboards } from './usage/leaderboards.js';
import { UsageReads } from './usage/usage-reads.js';

/** Nobody waits longer for a page, in ms. */
const QUERY_TIMEOUT_MS = 30_000;

const DEFAULT_PORT = 8080;

const settings = {
  ...kafkaSettings,
  ...clickHouseSettings,
  ...peopleSettings,
  ...accessSettings,
  httpHost: hostSettings(DEFAULT_PORT).httpHost,
  streamKeepAliveMs: integer('LAUREL_API_STREAM_KEEP_ALIVE_MS', 10, 3_600_000, {
    description:
      'an idle stream gets a comment this often, in ms; a client that takes nothing for four times this is cut off',
    default: '15000',
  }),
  mostStreams: integer('LAUREL_API_MAX_STREAMS', 1, 100_000, {
    description: 'live streams at a time; more are refused',
    default: '2000',
  }),
  secret: optionalSecret('LAUREL_API_SECRET', {
    description:
      'seals sessions and cursors: 32 characters or more, the same for all instances; without it what is sealed is good for one instance until it ends',
  }),
  requestsPerMinute: integer('LAUREL_API_RATE_LIMIT', 0, 1_000_000, {
    description:
      'requests that one caller may make in a minute; 0: any number. Callers on this machine are not limited',
    default: '1200',
  }),
  trustedProxies: networkList('LAUREL_API_TRUSTED_PROXIES', {
    description:
      'addresses or networks (10.0.0.0/8), comma-separated, of proxies whose X-Forwarded-* headers are believed',
    default: '',
  }),
  corsOrigins: originList('LAUREL_API_CORS_ORIGINS', {
    description: 'origins, comma-separated, whose pages may read answers, without cookies',
    default: '',
  }),
  embedders: originList('LAUREL_API_EMBEDDERS', {
    description: 'origins, comma-separated, whose pages may have /embed in a frame, beside our own',
    default: '',
  }),
};

/** REST and a live stream of awards, for people and dashboards. */
export const api: ServiceDefinition<typeof settings> = {
  name: 'api',
  description: 'serves the leaderboards, titles and awards over HTTP',
  defaultPort: DEFAULT_PORT,
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
    const standard = { visibility: config.peopleVisibility, figures: config.peopleFigures };
    const people = new PeopleDirectory(standard);
    const choices = new ChoiceWriter({ kafka, topicPrefix }, clickhouse, people, standard);
    const streams = new EventStreams(metrics, { keepAliveMs: config.streamKeepAliveMs, most: config.mostStreams });

    // It serves meanwhile, so that it can be asked how far it is.
    const stopped = new AbortController();
    onShutdown(() => {
      stopped.abort();
      return Promise.resolve();
    });
    const migrated = keepTrying('start', () => assertMigrated(clickhouse, migrations), policy, stopped.signal).then(
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
    const titlesRead = Promise.all([rulesFollower.start(), awardsFollower.start()]).then(() => {
      startup.onTitlesRead();
      streams.advance();
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
      streams.advance();
    }, fatal);

    const probes = new Set(hostEndpoints.map(({ description: { path } }) => path));
    const http = apiAdapter({ ...config, probes });
    const fastify = http.getInstance();
    const secret = config.secret === undefined ? randomBytes(32) : Buffer.from(config.secret);
    const access = accessOf(config, secret, clickhouse);
    if (access.warning !== undefined) log.warn(access.warning);
    registerAccess(fastify, { ...access, probes });
    if (isPageBuilt()) servePage(fastify, config.embedders);
    else log.warn('the page is not built, and not served: nx build @laurel/board');
    fastify.addHook('preClose', () => streams.closeAll());
    const routes = new RouteMethods(fastify);
    const filter = new ProblemFilter(log, routes);
    // Before a body is read that is for nobody.
    fastify.addHook('onRequest', (request, _reply, done) => done(request.is404 ? filter.notFound(request) : undefined));

    const document = await readDescription();

    const reads = new UsageReads(clickhouse);
    const leaderboards = new Leaderboards(reads, people);
    const titleReads = new TitleReads(clickhouse, rules, awards, () => reads.figuresVersion());
    void Promise.all([migrated, titlesRead])
      .then(() => readFirst(reads, leaderboards, titleReads))
      .catch((error: unknown) => {
        if (!stopped.signal.aborted) log.warn({ err: error }, 'not read at the start; whoever asks first waits for it');
      })
      .then(() => startup.onFiguresRead());

    @Module({
      controllers,
      providers: [
        { provide: OPENAPI, useValue: document },
        { provide: Cursors, useValue: new Cursors(secret) },
        { provide: APP_FILTER, useValue: filter },
        { provide: APP_GUARD, useClass: AccessGuard },
        { provide: APP_INTERCEPTOR, useClass: AccessInterceptor },
        { provide: HOST_ENDPOINTS, useValue: hostEndpoints },
        { provide: SIGN_IN, useValue: access.signIn },
        { provide: Sessions, useValue: access.sessions },
        { provide: AccessLog, useValue: new AccessLog(clickhouse) },
        Exports,
        { provide: UsageReads, useValue: reads },
        { provide: Leaderboards, useValue: leaderboards },
        { provide: FiguresFeed, useValue: new FiguresFeed(() => reads.figuresVersion()) },
        { provide: CLICKHOUSE, useValue: clickhouse },
        { provide: TitleReads, useValue: titleReads },
        { provide: RenderedAnswers, useValue: new RenderedAnswers() },
        { provide: AwardLog, useValue: awards },
        { provide: PeopleDirectory, useValue: people },
        { provide: ChoiceWriter, useValue: choices },
        { provide: OperationsReads, useValue: new OperationsReads(kafka, topicPrefix, clickhouse) },
        { provide: EventStreams, useValue: streams },
        { provide: Startup, useValue: startup },
        { provide: Authentication, useValue: access.authentication },
      ],
    })
    class ApiModule {}

    return {
      module: { module: ApiModule },
      http,
      onStarted() {
        const undescribed = undescribedRoutes(routes.all, document);
        if (undescribed.length > 0)
          throw new Error(
            `not in schemas/openapi/laurel.json: ${undescribed.join(', ')}; run services/api/write-openapi.mjs`,
          );
      },
      readiness: async (): Promise<Readiness> => {
        const database = await databaseState(clickhouse, migrations);
        const { hasTitles, hasPeople, hasFigures } = startup;
        const state = (isRead: boolean): string => (isRead ? 'read' : 'reading');
        return {
          ready: startup.isMigrated && database === 'ready' && hasTitles && hasPeople && hasFigures,
          details: {
            clickhouse: database,
            awards: state(hasTitles),
            people: state(hasPeople),
            figures: state(hasFigures),
          },
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
