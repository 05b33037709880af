import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { testBrokers } from '../testing/cluster.js';
import { withBrokers } from './brokers.js';
import { kafkaClient } from './connection.js';

/** What kafkajs keeps requests in that wait for their turn. */
interface Queue {
  throttledUntil: number;
  /** The timer that will look after them; null where there is none. */
  readonly throttleCheckTimeoutId: unknown;
}

describe('a connection', () => {
  it('lets the process sleep while nothing is asked, and sends in time what has to wait for its turn', async () => {
    const queues: Queue[] = [];
    const kafka = kafkaClient({ brokers: testBrokers(), clientId: 'laurel-test' });
    const seen = withBrokers(kafka, ({ connectionPool }) => {
      for (const { requestQueue } of connectionPool.pool) queues.push(requestQueue as unknown as Queue);
    });
    const admin = seen.admin();
    await admin.connect();
    try {
      await admin.describeCluster();
      expect(queues.length).toBeGreaterThan(0);
      expect(queues.filter(({ throttleCheckTimeoutId }) => throttleCheckTimeoutId !== null)).toHaveLength(0);
      // As after an answer of a broker with quotas, see KIP-219.
      const until = Date.now() + 300;
      for (const queue of queues) queue.throttledUntil = until;
      expect((await admin.describeCluster()).brokers.length).toBeGreaterThan(0);
      expect(Date.now()).toBeGreaterThanOrEqual(until);
    } finally {
      await admin.disconnect();
    }
  });
});

describe('a connection whose broker says nothing', () => {
  it('is closed and made anew, and the client goes on', async () => {
    const [address = ''] = testBrokers();
    const [host = '', port = ''] = address.split(':');
    const sockets: Socket[] = [];
    let connections = 0;
    let closed = 0;
    // The first one is accepted, and never answered.
    const proxy = createServer((socket) => {
      sockets.push(socket);
      connections += 1;
      socket.on('error', () => undefined);
      if (connections === 1) {
        socket.resume().on('close', () => (closed += 1));
        return;
      }
      const upstream = connect(Number(port), host);
      sockets.push(upstream);
      upstream.on('error', () => undefined);
      socket.pipe(upstream).pipe(socket);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const brokers = [`127.0.0.1:${(proxy.address() as AddressInfo).port}`];
    const admin = kafkaClient({ brokers, clientId: 'laurel-test', requestTimeoutMs: 3000 }).admin();
    try {
      await admin.connect();
      expect((await admin.describeCluster()).brokers.length).toBeGreaterThan(0);
      expect([connections, closed]).toEqual([2, 1]);
    } finally {
      await admin.disconnect();
      for (const socket of sockets) socket.destroy();
      proxy.close();
    }
  });
});
