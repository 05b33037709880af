import { outcomeRecorded, usageRecorded, type OutcomeRecorded, type UsageRecorded } from '@laurel/events';
import type { EncodedRecord } from '../record-buffer.js';
import type { RecordSink, SendOutcome } from '../record-sink.js';

/** A sink in memory that answers as a test tells it to, and fails the test when two sends overlap. */
export class ScriptedSink implements RecordSink {
  readonly delivered: UsageRecorded[] = [];
  readonly outcomes: OutcomeRecorded[] = [];
  readonly attempts: (readonly EncodedRecord[])[] = [];
  rests = 0;
  private sending = false;

  constructor(
    private readonly answer: (batch: readonly EncodedRecord[], attempt: number) => SendOutcome | Promise<SendOutcome>,
  ) {}

  async send(batch: readonly EncodedRecord[]): Promise<SendOutcome> {
    if (this.sending) throw new Error('two sends at once');
    this.sending = true;
    this.attempts.push(batch);
    const outcome = await this.answer(batch, this.attempts.length);
    this.sending = false;
    if (outcome.kind === 'delivered') {
      for (const { stream, value } of batch) {
        if (stream === 'usage') this.delivered.push(usageRecorded.decode(value));
        else this.outcomes.push(outcomeRecorded.decode(value));
      }
    }
    return outcome;
  }

  rest(): Promise<void> {
    this.rests += 1;
    return Promise.resolve();
  }

  get ids(): string[] {
    return this.delivered.map((event) => event.event_id);
  }
}

export const DELIVERED: SendOutcome = { kind: 'delivered' };
export const UNAVAILABLE: SendOutcome = { kind: 'unavailable', cause: new Error('connection refused') };
export const TOO_LARGE: SendOutcome = { kind: 'refused', code: 'record_too_large', cause: new Error('too large') };
