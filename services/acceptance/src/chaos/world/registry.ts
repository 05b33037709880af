import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { usageRecorded } from '@laurel/events';

/** The id under which the registry has our schema. */
export const SCHEMA_ID = 7;

/** A schema registry with one schema (Confluent Schema Registry API, `GET /schemas/ids/{id}`). */
export class Registry {
  private constructor(private readonly server: Server) {}

  static async open(): Promise<Registry> {
    const schema = JSON.stringify(usageRecorded.type.schema({ exportAttrs: true }));
    const server = createServer((incoming, outgoing) => {
      const known = incoming.url === `/schemas/ids/${SCHEMA_ID}`;
      outgoing.writeHead(known ? 200 : 404, { 'content-type': 'application/json' });
      outgoing.end(JSON.stringify(known ? { schema } : { error_code: 40403 }));
    });
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    return new Registry(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
