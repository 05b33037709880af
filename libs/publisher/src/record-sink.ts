import type { EncodedRecord } from './record-buffer.js';

/** What came of one attempt to send a batch. */
export type SendOutcome =
  | { readonly kind: 'delivered' }
  /** The batch holds at least one record that the broker will never take. */
  | { readonly kind: 'refused'; readonly code: 'record_too_large' | 'record_refused'; readonly cause: unknown }
  /** Nobody knows what became of the batch: it is to be sent again. */
  | { readonly kind: 'unavailable'; readonly cause: unknown };

/** Where batches go. The publisher never has two calls of `send` in flight, which is what keeps the order. */
export interface RecordSink {
  /** Never rejects. */
  send(batch: readonly EncodedRecord[]): Promise<SendOutcome>;
  /** Lets go of connections until the next `send`; never rejects. */
  rest(): Promise<void>;
}
