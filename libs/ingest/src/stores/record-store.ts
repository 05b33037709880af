import type { Checked } from '@laurel/events';
import type { StreamRecord, TogetherPorts } from '@laurel/stream';
import type { Touched } from '../announcements.js';

type Ports = TogetherPorts<Touched>;

/** Takes the records of one topic into its table. */
export interface RecordStore<Event> {
  /** One record, by itself. Waits for its schema where the registry has to be asked. */
  decode(record: StreamRecord, signal: AbortSignal): Checked<Event> | Promise<Checked<Event>>;
  /**
   * As `AcceptPorts.store`.
   *
   * @param topic with its prefix.
   */
  store(topic: string, ...batch: Parameters<Ports['store']>): ReturnType<Ports['store']>;
  /** As `TogetherPorts.storeTogether`. */
  storeTogether(topic: string, ...batches: Parameters<Ports['storeTogether']>): ReturnType<Ports['storeTogether']>;
}
