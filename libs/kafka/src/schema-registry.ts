import type { BodyReader, Checked, WriterSchemas } from '@laurel/events';

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
/** A publisher with another registry shall not cost a request a record. */
const MISSING_FOR_MS = 5000;
const MAX_MISSING = 10_000;
/** Statuses that are about the id: it can't be one, or its schema may not be read. */
const ABOUT_THE_ID = new Set([400, 403, 404, 422]);

/** Schemas by registry id, as JSON text. An id names one schema for ever, so what is once known is kept. */
export class SchemaRegistry {
  private readonly known = new Map<number, string>();
  /** Ids that the registry did not have, until when that is taken for its answer, in ms. */
  private readonly missingUntilMs = new Map<number, number>();

  /** @param connection without one no schema is known. */
  constructor(private readonly connection: RegistryConnection | undefined) {}

  /** `null`: there is none; `undefined`: not asked for yet. */
  schemaOf(id: number): string | null | undefined {
    if (this.connection === undefined) return null;
    return (this.missingUntilMs.get(id) ?? -Infinity) > performance.now() ? null : this.known.get(id);
  }

  /**
   * Asks the registry for one schema, so that `schemaOf` knows it.
   * An id that the registry does not have is asked for again after some seconds: it may be registered by then.
   *
   * @returns `null` if there is none.
   * @throws RegistryUnavailable
   */
  async lookUp(id: number): Promise<string | null> {
    const schema = await this.fetchSchema(id);
    if (schema === undefined) {
      if (this.missingUntilMs.size >= MAX_MISSING) this.missingUntilMs.clear();
      this.missingUntilMs.set(id, performance.now() + MISSING_FOR_MS);
      return null;
    }
    this.known.set(id, schema);
    return schema;
  }

  /**
   * Source: Confluent Schema Registry API, `GET /schemas/ids/{int: id}`; 404 with error 40403 means unknown, 403 that its subject may
   * not be read. One such record must not hold up all that come after it; but where nothing may be read yet, rights are missing, and
   * that is an outage.
   */
  private async fetchSchema(id: number): Promise<string | undefined> {
    const { url, username, password, timeoutMs = REQUEST_TIMEOUT_MS } = this.connection ?? { url: '' };
    const credentials = Buffer.from(`${username ?? ''}:${password ?? ''}`).toString('base64');
    try {
      const response = await fetch(new URL(`schemas/ids/${id}`, url.endsWith('/') ? url : `${url}/`), {
        signal: AbortSignal.timeout(timeoutMs),
        headers: username === undefined ? {} : { authorization: `Basic ${credentials}` },
      });
      if (ABOUT_THE_ID.has(response.status) && (response.status !== 403 || this.known.size > 0)) return undefined;
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      const body = (await response.json()) as { readonly schema?: unknown };
      if (typeof body.schema !== 'string') throw new Error('the answer has no schema');
      return body.schema;
    } catch (cause) {
      throw new RegistryUnavailable(cause);
    }
  }
}

/** Readers of one kind of record, by the registry's ids. */
export class RegistrySchemas<T> implements WriterSchemas<T> {
  private readonly readers = new Map<number, BodyReader<T>>();

  /** @param readerFor of a schema's JSON text. */
  constructor(
    private readonly registry: SchemaRegistry,
    private readonly readerFor: (schemaJson: string) => Checked<BodyReader<T>>,
  ) {}

  byRegistryId(id: number): BodyReader<T> | 'unknown' | undefined {
    const known = this.readers.get(id);
    if (known !== undefined) return known;
    const schema = this.registry.schemaOf(id);
    if (schema === undefined) return undefined;
    return schema === null ? 'unknown' : this.keep(id, schema);
  }

  /**
   * Asks the registry for one schema, so that `byRegistryId` knows it.
   *
   * @throws RegistryUnavailable
   */
  async lookUp(id: number): Promise<BodyReader<T> | 'unknown'> {
    const schema = await this.registry.lookUp(id);
    return schema === null ? 'unknown' : this.keep(id, schema);
  }

  private keep(id: number, schema: string): BodyReader<T> {
    const reader = this.readerFor(schema);
    const result: BodyReader<T> = reader.ok ? reader.value : () => reader;
    this.readers.set(id, result);
    return result;
  }
}
