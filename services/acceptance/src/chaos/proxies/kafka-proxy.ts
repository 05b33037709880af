import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { FrameReader } from './frames.js';

/** Keys of requests (Kafka protocol guide, "Api Keys"); only what is acted upon. */
export const apiKeys = {
  Produce: 0,
  Fetch: 1,
  OffsetCommit: 8,
  FindCoordinator: 10,
  JoinGroup: 11,
  SyncGroup: 14,
  Heartbeat: 12,
  InitProducerId: 22,
  AddPartitionsToTxn: 24,
  EndTxn: 26,
} as const;

export type ApiName = keyof typeof apiKeys;

const names = new Map<number, ApiName>(
  (Object.entries(apiKeys) as (readonly [ApiName, number])[]).map(([name, key]) => [key, name]),
);

/** One request that stands before the broker, and all that can be done with it. */
export interface KafkaExchange {
  readonly api: ApiName | undefined;
  readonly frame: Buffer;
  /** Whether the request has this text in the clear, such as a topic's name. */
  mentions(text: string): boolean;
  /** Hands it to the broker and resolves to the answer, which nobody has yet. Rejects when the connection breaks. */
  forward(): Promise<Buffer>;
  answer(frame: Buffer): void;
  /** Breaks the client's connection, and the one to the broker that belongs to it. */
  cut(): void;
}

export type KafkaIntervention = (exchange: KafkaExchange) => Promise<void>;

interface Rule {
  readonly matches: (exchange: KafkaExchange) => boolean;
  readonly intervene: KafkaIntervention;
}

/** A proxy before a broker, for the clients that were told to come by it. */
export class KafkaProxy {
  private readonly rules: Rule[] = [];
  private readonly sockets = new Set<Socket>();
  /** How many requests of each kind have come by. */
  readonly seen = new Map<ApiName, number>();

  private constructor(
    private readonly server: Server,
    /** Of the broker's listener, on 127.0.0.1. */
    private readonly brokerPort: number,
  ) {}

  static async open(brokerPort: number): Promise<KafkaProxy> {
    const server = createServer((client) => proxy.serve(client));
    const proxy = new KafkaProxy(server, brokerPort);
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  on(matches: Rule['matches'], intervene: KafkaIntervention): () => void {
    const rule = { matches, intervene };
    this.rules.push(rule);
    return () => {
      const index = this.rules.indexOf(rule);
      if (index >= 0) this.rules.splice(index, 1);
    };
  }

  count(api: ApiName): number {
    return this.seen.get(api) ?? 0;
  }

  get connections(): number {
    return this.sockets.size;
  }

  cutAll(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  close(): void {
    this.cutAll();
    this.server.close();
  }

  private serve(client: Socket): void {
    const broker = connect({ host: '127.0.0.1', port: this.brokerPort });
    const waiting = new Map<number, { resolve: (frame: Buffer) => void; reject: (error: Error) => void }>();
    const cut = (): void => {
      client.destroy();
      broker.destroy();
    };
    this.sockets.add(client);
    client.setNoDelay(true);
    broker.setNoDelay(true);
    for (const socket of [client, broker]) {
      socket.on('error', cut);
      socket.on('close', () => {
        cut();
        this.sockets.delete(client);
        for (const { reject } of waiting.values()) reject(new Error('the connection was broken'));
        waiting.clear();
      });
    }
    const requests = new FrameReader();
    client.on('data', (chunk: Buffer) => {
      for (const frame of requests.push(chunk)) this.pass(frame, client, broker, waiting, cut);
    });
    const answers = new FrameReader();
    broker.on('data', (chunk: Buffer) => {
      for (const frame of answers.push(chunk)) {
        const correlation = frame.readInt32BE(4);
        const waits = waiting.get(correlation);
        waiting.delete(correlation);
        if (waits === undefined) client.write(frame);
        else waits.resolve(frame);
      }
    });
  }

  private pass(
    frame: Buffer,
    client: Socket,
    broker: Socket,
    waiting: Map<number, { resolve: (frame: Buffer) => void; reject: (error: Error) => void }>,
    cut: () => void,
  ): void {
    const api = names.get(frame.readInt16BE(4));
    if (api !== undefined) this.seen.set(api, this.count(api) + 1);
    const exchange: KafkaExchange = {
      api,
      frame,
      mentions: (text) => frame.includes(text),
      forward: () =>
        new Promise((resolve, reject) => {
          waiting.set(frame.readInt32BE(8), { resolve, reject });
          broker.write(frame);
        }),
      answer: (answer) => void client.write(answer),
      cut,
    };
    const rule = this.rules.find(({ matches }) => matches(exchange));
    if (rule === undefined) broker.write(frame);
    else rule.intervene(exchange).catch(cut);
  }
}
