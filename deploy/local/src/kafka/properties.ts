/** What differs between one broker and the next. */
export interface BrokerPlace {
  readonly logDir: string;
  /** Address to listen on. Clients are told 127.0.0.1, whatever it is. */
  readonly host: string;
  /** Port for clients. */
  readonly port: number;
  /** Port of the controller, which only the broker itself uses. */
  readonly controllerPort: number;
  /** Further ports for clients. */
  readonly detours?: readonly Detour[];
  /** Settings of the broker in place of the ones below. */
  readonly overrides?: Readonly<Record<string, string | number>>;
}

/** A port of the broker's whose clients are told to come by another one, where a proxy stands. */
export interface Detour {
  /** On 127.0.0.1. */
  readonly port: number;
  readonly advertisedPort: number;
}

/**
 * The settings of one node that is broker and controller at once (KRaft's combined mode).
 *
 * Everything internal has one replica, as there is one node, and few partitions, as each costs time at the start.
 */
function settings(place: BrokerPlace): Readonly<Record<string, string | number>> {
  const { logDir, host, port, controllerPort, detours = [], overrides = {} } = place;
  const listen = detours.map((detour, index) => `,DETOUR${index}://127.0.0.1:${detour.port}`).join('');
  const advertise = detours.map((detour, index) => `,DETOUR${index}://127.0.0.1:${detour.advertisedPort}`).join('');
  const protocols = detours.map((_, index) => `,DETOUR${index}:PLAINTEXT`).join('');
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `CLIENTS://${host}:${port},CONTROLLER://127.0.0.1:${controllerPort}${listen}`,
    'advertised.listeners': `CLIENTS://127.0.0.1:${port}${advertise}`,
    'listener.security.protocol.map': `CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT${protocols}`,
    'inter.broker.listener.name': 'CLIENTS',
    'log.dirs': logDir,
    'auto.create.topics.enable': 'false',
    'default.replication.factor': 1,
    'min.insync.replicas': 1,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 1,
    'group.initial.rebalance.delay.ms': 0,
    // After a kill the controller lets the broker in again only when its old session has ended; the default is 9 s.
    'broker.session.timeout.ms': 2_000,
    'broker.heartbeat.interval.ms': 400,
    ...overrides,
  };
}

/** The settings as a `server.properties` file. */
export function serverProperties(place: BrokerPlace): string {
  return Object.entries(settings(place))
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/** The settings as the environment that the image apache/kafka reads. */
export function serverEnvironment(place: BrokerPlace): Record<string, string> {
  const name = (key: string): string => `KAFKA_${key.replaceAll('.', '_').toUpperCase()}`;
  return Object.fromEntries(Object.entries(settings(place)).map(([key, value]) => [name(key), String(value)]));
}
