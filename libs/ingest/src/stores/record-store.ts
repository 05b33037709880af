import type { Checked } from '@laurel/events';
import type { AcceptPorts, StreamRecord } from '@laurel/stream';
import type { Touched } from '../announcements.js';

/** Takes the records of one topic into its table. */
export interface RecordStore<Event> {
  /** One record, by itself. Waits for its schema where the registry has to be asked. */
  decode(record: StreamRecord, signal: AbortSignal): Checked<Event> | Promise<Checked<Event>>;
  /**
   * As `AcceptPorts.store`.
   *
   * @param topic with its prefix.
   */
  store(topic: string, ...batch: Parameters<AcceptPorts<Touched>['store']>): ReturnType<AcceptPorts<Touched>['store']>;
}
