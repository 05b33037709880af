import type { Kafka } from 'kafkajs';

/** A connection to one broker: the parts that are used here of what kafkajs 2.2.4 does not export. */
export interface Broker {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  isConnected(): boolean;
  /** Replaced when the broker has said which versions it speaks. */
  lookupRequest: (apiKey: number, definition: unknown) => (options: unknown) => unknown;
  fetch: (this: Broker, request: never) => Promise<unknown>;
  syncGroup: MemberRequest;
  heartbeat: MemberRequest;
  offsetCommit: MemberRequest;
  readonly connectionPool: { readonly pool: readonly { readonly requestQueue: RequestQueue }[] };
}

interface RequestQueue {
  readonly pending: readonly unknown[];
  /** Replaced here, see `checkQueuesInNeed`. */
  scheduleCheckPendingRequests: () => void;
}

/** What a member of a group asks for; null where kafkajs has forgotten who it is. */
export type MemberRequest = (this: Broker, request: { readonly memberId: string | null }) => Promise<unknown>;

interface Cluster {
  readonly brokerPool: { createBroker(options: unknown): Broker };
}

/**
 * A client like the given one, each of whose connections is first changed. Every consumer, producer and admin has its own.
 *
 * @throws Error when it is another version of kafkajs.
 */
export function withBrokers(kafka: Kafka, change: (broker: Broker) => void): Kafka {
  const createCluster = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  );
  if (createCluster === undefined) throw new Error('this is not the kafkajs whose connections can be changed here');
  const create = (kafka as unknown as Record<symbol, (options: unknown) => Cluster>)[createCluster];
  const changed = (options: unknown): Cluster | undefined => {
    const cluster = create?.(options);
    if (cluster === undefined) return undefined;
    const { brokerPool } = cluster;
    const createBroker = brokerPool.createBroker.bind(brokerPool);
    brokerPool.createBroker = (brokerOptions) => {
      const broker = createBroker(brokerOptions);
      change(broker);
      return broker;
    };
    return cluster;
  };
  return Object.create(kafka, { [createCluster]: { value: changed } }) as Kafka;
}

/**
 * A connection counts as one only when the broker has said which versions it speaks, and is closed when it did not in time.
 * kafkajs counts one from its socket on: after one late answer each request fails with "Broker not connected", for as long as
 * the socket stands.
 */
export function closeHalfConnected(broker: Broker): void {
  const { lookupRequest: speaksNothing } = broker;
  const [connect, isConnected] = [broker.connect.bind(broker), broker.isConnected.bind(broker)];
  broker.isConnected = () => broker.lookupRequest !== speaksNothing && isConnected();
  broker.connect = async () => {
    try {
      await connect();
    } catch (error) {
      await broker.disconnect();
      throw error;
    }
  };
}

/**
 * Looks after requests that wait for their turn only where there are some. kafkajs 2.2.4 looks after each connection's every
 * millisecond for as long as it stands (its issue 1704): of an idle consumer that is some hundredths of a core.
 */
export function checkQueuesInNeed({ connectionPool }: Broker): void {
  for (const { requestQueue } of connectionPool.pool) {
    const schedule = requestQueue.scheduleCheckPendingRequests.bind(requestQueue);
    requestQueue.scheduleCheckPendingRequests = () => {
      if (requestQueue.pending.length > 0) schedule();
    };
  }
}
