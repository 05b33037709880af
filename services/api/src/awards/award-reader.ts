import { awardEvent, topics } from '@laurel/events';
import { assertTopics, tail, type Kafka, type Tail } from '@laurel/kafka';
import { keepTrying, type RetryPolicy } from '@laurel/stream';
import type { AwardLog } from './award-log.js';

/** Reads `titles.awards.v1` into the log from its beginning, and goes on; outages are waited out. */
export class AwardReader {
  private readonly stopped = new AbortController();
  private reader: Tail | undefined;

  constructor(
    private readonly kafka: Kafka,
    private readonly topicPrefix: string,
    private readonly log: AwardLog,
    private readonly policy: RetryPolicy,
    private readonly onFatal: (error: unknown) => void,
  ) {}

  /** Resolves when every award that was there is in the log, or the reader was stopped. */
  async start(): Promise<void> {
    const { signal } = this.stopped;
    try {
      await keepTrying(
        'start',
        () => assertTopics(this.kafka, [topics.titleAwards], this.topicPrefix),
        this.policy,
        signal,
      );
      await keepTrying('awards', () => this.open(), this.policy, signal);
      await this.reader?.caughtUp;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    await this.reader?.stop();
  }

  private async open(): Promise<void> {
    const { topicPrefix, onFatal } = this;
    const reader = await tail(this.kafka, {
      topic: topicPrefix + topics.titleAwards.name,
      groupPrefix: `${topicPrefix}laurel-api-awards-`,
      onRecord: ({ offset, value }) => this.take(offset, value),
      onFailure: onFatal,
    });
    // It may have been stopped while it connected.
    if (this.stopped.signal.aborted) await reader.stop();
    else this.reader = reader;
  }

  /** Only our own service writes here, so what does not follow is a bug, and to read it again would end in the same way. */
  private take(offset: number, value: Uint8Array | null): void {
    try {
      if (value === null) throw new Error(`titles.awards.v1/0/${offset} is empty`);
      this.log.add(offset, awardEvent.decode(value));
    } catch (error) {
      this.onFatal(error);
      throw error;
    }
  }
}
