import { usageReaderForSchema, type UsageReader, type WriterSchemas } from '@laurel/events';

/** A Confluent-compatible schema registry. */
export interface RegistryConnection {
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** How long an answer may take, in ms. Default 10 000. */
  readonly timeoutMs?: number | undefined;
}

/** The registry did not answer; never a verdict on the record. */
export class RegistryUnavailable extends Error {
  constructor(cause: unknown) {
    super('the schema registry does not answer', { cause });
    this.name = 'RegistryUnavailable';
  }
}

const REQUEST_TIMEOUT_MS = 10_000;

/** Schemas by registry id. An id names one schema for ever, so what is once known is kept. */
export class RegistrySchemas implements WriterSchemas {
  private readonly known = new Map<number, UsageReader | 'unknown'>();

  constructor(private readonly connection: RegistryConnection | undefined) {}

  byRegistryId(id: number): UsageReader | 'unknown' | undefined {
    return this.connection === undefined ? 'unknown' : this.known.get(id);
  }

  /**
   * Asks the registry for one schema, so that `byRegistryId` knows it.
   * An id that the registry does not have is asked for again next time: it may be registered by then.
   *
   * @throws RegistryUnavailable
   */
  async lookUp(id: number): Promise<UsageReader | 'unknown'> {
    const schema = await this.fetchSchema(id);
    if (schema === undefined) return 'unknown';
    const reader = usageReaderForSchema(schema);
    const result: UsageReader = reader.ok ? reader.value : () => reader;
    this.known.set(id, result);
    return result;
  }

  /** Source: Confluent Schema Registry API, `GET /schemas/ids/{int: id}`; 404 with error 40403 means unknown. */
  private async fetchSchema(id: number): Promise<string | undefined> {
    const { url, username, password, timeoutMs = REQUEST_TIMEOUT_MS } = this.connection ?? { url: '' };
    const credentials = Buffer.from(`${username ?? ''}:${password ?? ''}`).toString('base64');
    try {
      const response = await fetch(new URL(`schemas/ids/${id}`, url.endsWith('/') ? url : `${url}/`), {
        signal: AbortSignal.timeout(timeoutMs),
        headers: username === undefined ? {} : { authorization: `Basic ${credentials}` },
      });
      if (response.status === 404) return undefined;
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      const body = (await response.json()) as { readonly schema?: unknown };
      if (typeof body.schema !== 'string') throw new Error('the answer has no schema');
      return body.schema;
    } catch (cause) {
      throw new RegistryUnavailable(cause);
    }
  }
}
