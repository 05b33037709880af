import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What passes a gate: the query of a ClickHouse request, from its URL or the head of its body. */
export type Passage = string;

/**
 * A proxy before ClickHouse that can hold back an answer, so that a test stands still at a known step: the request has
 * been carried out, and whoever sent it does not know yet.
 */
export class HttpGate {
  private held:
    { readonly matches: (passage: Passage) => boolean; readonly onHeld: (release: () => void) => void } | undefined;

  private constructor(
    readonly url: string,
    private readonly close_: () => void,
  ) {}

  static async open(target: string): Promise<HttpGate> {
    const { hostname, port } = new URL(target);
    const forward = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
      const head: Buffer[] = [];
      const onward = request(
        { hostname, port, path: incoming.url, method: incoming.method, headers: incoming.headers },
        (answer) => {
          const passage = `${decodeURIComponent((incoming.url ?? '').replaceAll('+', ' '))}\n${Buffer.concat(head).toString('utf8', 0, 4096)}`;
          const release = (): void => {
            outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
            answer.pipe(outgoing);
          };
          const { held } = gate;
          if (held?.matches(passage) !== true) {
            release();
            return;
          }
          gate.held = undefined;
          held.onHeld(release);
        },
      );
      onward.on('error', () => outgoing.destroy());
      incoming.on('data', (chunk: Buffer) => {
        if (head.length < 4) head.push(chunk);
      });
      incoming.on('error', () => onward.destroy());
      incoming.pipe(onward);
    };
    const server = createServer(forward);
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const gate = new HttpGate(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => {
      server.closeAllConnections();
      server.close();
    });
    return gate;
  }

  /** Keeps the next answer to a matching request until it is released; resolves when it was there to be given. */
  holdNext(matches: (passage: Passage) => boolean): Promise<() => void> {
    return new Promise((resolve) => {
      this.held = { matches, onHeld: resolve };
    });
  }

  close(): void {
    this.close_();
  }
}
