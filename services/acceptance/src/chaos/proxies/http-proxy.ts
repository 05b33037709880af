import { Agent, createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

/** An answer as a whole. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** One request that stands before the server, and all that can be done with it. */
export interface HttpExchange {
  /** What it asks: its URL's parameters, decoded, and the head of its body. */
  readonly query: string;
  readonly body: Buffer;
  /** Hands it to the server and resolves to the answer, which nobody has yet. Rejects when the connection breaks. */
  forward(): Promise<HttpAnswer>;
  /** Hands half of the body to the server, and breaks the connection to it. */
  forwardHalf(): Promise<void>;
  answer(answer: HttpAnswer): void;
  /** The answer bit by bit, over this long. */
  drip(answer: HttpAnswer, durationMs: number): Promise<void>;
  /** Ends the client's connection without an answer. */
  cut(): void;
}

export type HttpIntervention = (exchange: HttpExchange) => Promise<void>;

interface Rule {
  readonly matches: (exchange: HttpExchange) => boolean;
  readonly intervene: HttpIntervention;
}

/**
 * A proxy before a server of ClickHouse's HTTP interface. Requests and answers pass as wholes, so that an intervention
 * stands at a known step: before the server, in the body, or with the answer in hand that the client doesn't have.
 */
export class HttpProxy {
  private readonly rules: Rule[] = [];
  private readonly agent = new Agent({ keepAlive: true });
  /** Requests that were sent whole and never answered: the server or the way to it has broken meanwhile. */
  readonly lost: string[] = [];
  /** Rows that the server said it has written into `usage_events`, also those whose answer never arrived. */
  rowsWritten = 0;

  private constructor(
    private readonly server: Server,
    private readonly target: () => string,
  ) {}

  /** @param target where to go, asked for every request. */
  static async open(target: () => string): Promise<HttpProxy> {
    const server = createServer({ requestTimeout: 0, keepAliveTimeout: 60_000 }, (incoming, outgoing) => {
      void proxy.pass(incoming, outgoing);
    });
    const proxy = new HttpProxy(server, target);
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Lets matching requests meet the intervention, until the returned function is called. */
  on(matches: Rule['matches'], intervene: HttpIntervention): () => void {
    const rule = { matches, intervene };
    this.rules.push(rule);
    return () => {
      const index = this.rules.indexOf(rule);
      if (index >= 0) this.rules.splice(index, 1);
    };
  }

  /** Breaks every connection that stands. */
  cutAll(): void {
    this.server.closeAllConnections();
    this.agent.destroy();
  }

  close(): void {
    this.cutAll();
    this.server.close();
  }

  private async pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    outgoing.on('error', () => undefined);
    let body: Buffer;
    try {
      body = await buffer(incoming);
    } catch {
      // The client is gone.
      return;
    }
    const exchange = this.exchange(incoming, outgoing, body);
    const rule = this.rules.find(({ matches }) => matches(exchange));
    try {
      if (rule === undefined) exchange.answer(await exchange.forward());
      else await rule.intervene(exchange);
    } catch {
      exchange.cut();
    }
  }

  private exchange(incoming: IncomingMessage, outgoing: ServerResponse, body: Buffer): HttpExchange {
    const url = incoming.url ?? '/';
    const query = `${decodeURIComponent(url.replaceAll('+', ' '))}\n${body.toString('latin1', 0, 4096)}`;
    const writeHead = ({ status, headers, body: content }: HttpAnswer): void => {
      const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name));
      outgoing.writeHead(status, { ...Object.fromEntries(kept), 'content-length': content.length });
    };
    return {
      query,
      body,
      forward: () => this.forward(incoming, body, query),
      forwardHalf: () => this.forwardHalf(incoming, body),
      answer: (answer) => {
        if (outgoing.destroyed) return;
        writeHead(answer);
        outgoing.end(answer.body);
      },
      drip: async (answer, durationMs) => {
        if (outgoing.destroyed) return;
        writeHead(answer);
        outgoing.flushHeaders();
        const step = Math.max(1, Math.ceil(answer.body.length / DRIPS));
        for (let at = 0; at < answer.body.length; at += step) {
          await sleep(durationMs / DRIPS);
          outgoing.write(answer.body.subarray(at, at + step));
        }
        outgoing.end();
      },
      cut: () => outgoing.destroy(),
    };
  }

  private open(incoming: IncomingMessage, body: Buffer): ReturnType<typeof request> {
    const { hostname, port } = new URL(this.target());
    const headers = Object.entries(incoming.headers).filter(([name]) => !HOP_BY_HOP.has(name));
    return request({
      hostname,
      port,
      path: incoming.url,
      method: incoming.method,
      agent: this.agent,
      headers: { ...Object.fromEntries(headers), 'content-length': body.length },
    });
  }

  private forward(incoming: IncomingMessage, body: Buffer, query: string): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const onward = this.open(incoming, body);
      let sent = false;
      const fail = (error: Error): void => {
        if (sent) this.lost.push(query);
        reject(error);
      };
      onward.on('error', fail);
      onward.on('finish', () => (sent = true));
      onward.on('response', (answer) => {
        buffer(answer).then((content) => {
          const { statusCode: status = 502, headers } = answer;
          if (status === 200 && query.includes('INSERT INTO usage_events')) {
            this.rowsWritten += writtenRows(headers['x-clickhouse-summary']);
          }
          resolve({ status, headers, body: content });
        }, fail);
      });
      onward.end(body);
    });
  }

  private forwardHalf(incoming: IncomingMessage, body: Buffer): Promise<void> {
    return new Promise((resolve) => {
      const onward = this.open(incoming, body);
      onward.on('error', () => resolve());
      onward.on('close', () => resolve());
      onward.write(body.subarray(0, body.length >> 1), () => {
        setTimeout(() => onward.destroy(), 50);
      });
    });
  }
}

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length']);
const DRIPS = 20;

function writtenRows(summary: string | string[] | undefined): number {
  if (typeof summary !== 'string') return 0;
  const { written_rows: rows } = JSON.parse(summary) as { readonly written_rows?: string };
  return Number(rows ?? 0);
}

/** ClickHouse's answer to a statement that has failed. */
export function clickHouseError(code: number, name: string, message: string): HttpAnswer {
  return {
    status: 500,
    headers: { 'content-type': 'text/plain; charset=UTF-8', 'x-clickhouse-exception-code': String(code) },
    body: Buffer.from(`Code: ${code}. DB::Exception: ${message}. (${name}) (version 26.7.1.1)\n`),
  };
}
