import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly path: string;
  readonly body: string;
  readonly atMs: number;
  readonly socket: Socket;
}

/** Answers one request, or doesn't. `index` counts from 0. */
export type Reply = (response: ServerResponse, request: Received, index: number) => void;

export const status =
  (code: number, headers: Readonly<Record<string, string>> = {}): Reply =>
  (response) =>
    response.writeHead(code, headers).end();

/** Answers with each in turn, then with the last for ever. */
export const inTurn =
  (...replies: readonly [Reply, ...Reply[]]): Reply =>
  (response, request, index) =>
    (replies[index] ?? replies.at(-1) ?? replies[0])(response, request, index);

/** An endpoint as somebody else has it: an HTTP server of its own on loopback. */
export class EndpointServer implements AsyncDisposable {
  readonly requests: Received[] = [];

  private constructor(
    readonly url: string,
    private readonly end: () => void,
  ) {}

  static async open(reply: Reply): Promise<EndpointServer> {
    const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const { headers, url: path = '', socket } = request;
      const received = { headers, path, body: await text(request), atMs: Date.now(), socket };
      endpoint.requests.push(received);
      reply(response, received, endpoint.requests.length - 1);
    };
    // One that goes away in the middle of its request is no concern of the endpoint's.
    const server = createServer((request, response) => void take(request, response).catch(() => response.destroy()));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const endpoint = new EndpointServer(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, () => {
      server.closeAllConnections();
      server.close();
    });
    return endpoint;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.end();
    return Promise.resolve();
  }
}
