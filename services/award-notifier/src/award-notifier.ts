import { Module } from '@nestjs/common';
import { titleRules, topics } from '@laurel/events';
import { assertTopics, kafkaClient, readToEnd, RecordProducer, TopicFollower, type Delivery } from '@laurel/kafka';
import { KafkaBatchStrategy } from '@laurel/kafka/strategy';
import { PeopleDirectory, peopleFollower } from '@laurel/policy';
import {
  consumerReadiness,
  consumerSettings,
  integer,
  kafkaConnection,
  kafkaLogger,
  kafkaSettings,
  outagePolicy,
  peopleSettings,
  type ServiceDefinition,
} from '@laurel/service-host';
import { keepTrying } from '@laurel/stream';
import { RuleBook, UndeliveredFold } from '@laurel/titles';
import type { AwardView } from './award-view.js';
import { EndpointFollower } from './endpoint-follower.js';
import { endpointsFile, type Endpoint } from './endpoints.js';
import { deliveryEvents, endpointGauges, type Served } from './notifier-metrics.js';
import { Receiver } from './receiver.js';

const NAME = 'laurel-award-notifier';
const DAY_MS = 86_400_000;
/** Awards are small, and each endpoint has its own in memory, in bytes. */
const MAX_FETCH_BYTES = 1024 * 1024;

const settings = {
  ...kafkaSettings,
  ...peopleSettings,
  endpoints: endpointsFile(
    'LAUREL_NOTIFIER_ENDPOINTS_FILE',
    'YAML or JSON file of the endpoints that awards are sent to; a secret as a whole',
  ),
  timeoutMs: integer('LAUREL_NOTIFIER_TIMEOUT_MS', 10, 120_000, {
    description: 'how long an endpoint may take to answer, in ms',
    default: '10000',
  }),
  giveUpAfterMs: integer('LAUREL_NOTIFIER_GIVE_UP_AFTER_MS', 0, 30 * DAY_MS, {
    description: 'an award that no attempt has delivered is given up when it is this old, in ms',
    default: String(DAY_MS),
  }),
  ...consumerSettings,
};

/** Awards → webhooks. */
export const awardNotifier: ServiceDefinition<typeof settings> = {
  name: 'award-notifier',
  description: 'sends award events to webhooks, each in order and until they are acknowledged',
  defaultPort: 9104,
  settings,
  async build(config, { log, metrics, fatal, onShutdown }) {
    const { topicPrefix } = config;
    const policy = outagePolicy(log, metrics);
    const kafka = kafkaClient(kafkaConnection(config, NAME), kafkaLogger(log));
    const needed = [topics.titleAwards, topics.undelivered];
    await keepTrying('start', () => assertTopics(kafka, needed, topicPrefix), policy);
    const producer = new RecordProducer(kafka, topicPrefix);
    onShutdown(() => producer.close());
    await keepTrying('start', () => producer.connect(), policy);

    const people = new PeopleDirectory({ visibility: config.peopleVisibility, figures: config.peopleFigures });
    const rules = new RuleBook();
    const choicesFollower = peopleFollower(
      kafka,
      topicPrefix,
      ({ offset, userId, profile, isReadable }) => {
        if (!isReadable) log.warn({ offset }, 'a record of people.profiles.v1 can’t be read; its person is hidden');
        people.apply(offset, userId, profile);
      },
      policy,
      fatal,
    );
    const rulesFollower = new TopicFollower(kafka, {
      topic: topics.titleRules,
      topicPrefix,
      reader: `${NAME}-rules`,
      policy,
      onRecord: ({ offset, value }) => {
        if (value !== null) rules.add(offset, titleRules.decode(value));
      },
      onFatal: fatal,
    });
    onShutdown(() => Promise.all([choicesFollower.stop(), rulesFollower.stop()]));
    // Before the first delivery: who is hidden must not be named for not being known yet.
    await Promise.all([choicesFollower.start(), rulesFollower.start()]);
    const view: AwardView = { people, titleName: (id) => rules.known.get(id)?.name ?? id };

    const foldOnce = async (): Promise<UndeliveredFold> => {
      const fold = new UndeliveredFold();
      await readToEnd(kafka, {
        topic: topicPrefix + topics.undelivered.name,
        groupPrefix: `${topicPrefix}${NAME}-fold-`,
        onRecord: (record) => fold.take(record),
      });
      return fold;
    };
    const foldUndelivered = (signal: AbortSignal): Promise<UndeliveredFold> =>
      keepTrying('undelivered', foldOnce, policy, signal);
    const events = deliveryEvents(metrics, log);

    /** A group for each endpoint, so that one that is away keeps its own place and nobody else's. */
    const serve = (endpoint: Endpoint): Served => {
      const receiver = new Receiver(endpoint, view, config, events);
      const follower = new EndpointFollower(endpoint, receiver, producer, foldUndelivered, policy, events);
      const strategy = new KafkaBatchStrategy({
        kafka,
        groupId: `${topicPrefix}${NAME}-${endpoint.name}`,
        topicPrefix,
        minBytes: 1,
        maxBytes: MAX_FETCH_BYTES,
        maxBytesPerPartition: MAX_FETCH_BYTES,
        sessionTimeoutMs: config.sessionTimeoutMs,
        policy,
        // No table of ours rests on these offsets; but a topic that was replaced must not be read from its beginning.
        recordedOffset: () => Promise.resolve(undefined),
        onFatal: fatal,
      });
      // By hand, as Nest would give a controller the deliveries of every strategy.
      for (const { name } of needed)
        strategy.addHandler(name, (delivery: Delivery) => follower.onBatch(delivery), true);
      return { name: endpoint.name, receiver, strategy };
    };
    const served = config.endpoints.map(serve);
    endpointGauges(served, metrics);

    @Module({})
    class AwardNotifierModule {}

    return {
      module: { module: AwardNotifierModule },
      strategies: served.map(({ strategy }) => strategy),
      readiness: () => {
        const nowMs = Date.now();
        const endpoints = served.map(({ name, receiver, strategy }) => ({
          name,
          // One that is away is nothing that this service could be relieved of by a restart.
          ready: receiver.isDelivering ? strategy.isMember : consumerReadiness(strategy, nowMs).ready,
          held: receiver.isHeld,
          oldest_undelivered_seconds: Math.round(receiver.oldestSeconds(nowMs)),
        }));
        return { ready: endpoints.every(({ ready }) => ready), details: { endpoints } };
      },
    };
  },
};
