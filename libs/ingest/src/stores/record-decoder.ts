import { reject, type Checked, type IncomingRecord, type NeedsSchema, type WriterSchemas } from '@laurel/events';
import type { RegistrySchemas } from '@laurel/kafka';
import { keepTrying, type RetryPolicy, type StreamRecord } from '@laurel/stream';

/** One record; undefined where it has to wait for its schema, and shall not. */
export type Decode<Event> = (record: StreamRecord) => Checked<Event> | Promise<Checked<Event>> | undefined;

/** Decodes and validates records one by one, and waits for their schemas where the registry has to be asked. */
export class RecordDecoder<Raw, Event> {
  constructor(
    private readonly decodeWith: (record: IncomingRecord, schemas: WriterSchemas<Raw>) => Checked<Event> | NeedsSchema,
    private readonly schemas: RegistrySchemas<Raw>,
    private readonly policy: RetryPolicy,
  ) {}

  decode(record: StreamRecord, signal: AbortSignal): Checked<Event> | Promise<Checked<Event>> {
    const decoded = this.tryDecode(record);
    return 'needsSchema' in decoded ? this.decodeAfterLookUp(record, decoded.needsSchema, signal) : decoded;
  }

  /** Undefined where the registry has to be asked first. */
  decodeAtOnce(record: StreamRecord): Checked<Event> | undefined {
    const decoded = this.tryDecode(record);
    return 'needsSchema' in decoded ? undefined : decoded;
  }

  private tryDecode(record: StreamRecord): Checked<Event> | NeedsSchema {
    const { unreadable } = record;
    return unreadable === undefined ? this.decodeWith(record, this.schemas) : reject('unknown_framing', unreadable.why);
  }

  private async decodeAfterLookUp(record: StreamRecord, id: number, signal: AbortSignal): Promise<Checked<Event>> {
    const reader = await keepTrying('schema-registry', () => this.schemas.lookUp(id), this.policy, signal);
    const decoded = this.decodeWith(record, { byRegistryId: () => reader });
    if ('needsSchema' in decoded) throw new Error(`schema ${id} was looked up and is still needed`);
    return decoded;
  }
}
