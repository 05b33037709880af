import type { Kafka } from 'kafkajs';
import type { TopicDeclaration } from '@laurel/events';
import { keepTrying, type RetryPolicy, type StreamRecord } from '@laurel/stream';
import { tail, type Tail } from './tail.js';
import { assertTopics } from './topics.js';

export interface TopicFollowerOptions {
  readonly topic: TopicDeclaration;
  readonly topicPrefix: string;
  /** Who reads, for the name of the group. */
  readonly reader: string;
  readonly policy: RetryPolicy;
  /**
   * Takes the next record. Only Laurel itself writes what is followed so; what this throws is told to `onFatal`, and nothing more
   * is handed over.
   */
  readonly onRecord: (record: StreamRecord) => void;
  readonly onFatal: (error: unknown) => void;
}

/** Reads a topic of one partition from its beginning, committed records only, and goes on; outages are waited out. */
export class TopicFollower {
  private readonly stopped = new AbortController();
  /** A reader that is stopped never says that it has caught up. */
  private readonly whenStopped = new Promise<void>((resolve) => {
    this.stopped.signal.addEventListener('abort', () => resolve());
  });
  private reader: Tail | undefined;

  constructor(
    private readonly kafka: Kafka,
    private readonly options: TopicFollowerOptions,
  ) {}

  /**
   * Resolves when everything that was there was handed over, or the follower was stopped.
   *
   * @returns the end of the topic at the start: every record before it has been handed over.
   */
  async start(): Promise<number> {
    const { topic, topicPrefix, policy } = this.options;
    const { signal } = this.stopped;
    try {
      await keepTrying('start', () => assertTopics(this.kafka, [topic], topicPrefix), policy, signal);
      await keepTrying('follow', () => this.open(), policy, signal);
      await Promise.race([this.reader?.caughtUp, this.whenStopped]);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return this.reader?.ends.get(0) ?? 0;
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    await this.reader?.stop();
  }

  private async open(): Promise<void> {
    const { topic, topicPrefix, reader: name, onRecord, onFatal } = this.options;
    const reader = await tail(this.kafka, {
      topic: topicPrefix + topic.name,
      groupPrefix: `${topicPrefix}${name}-`,
      onRecord,
      onFailure: onFatal,
    });
    // It may have been stopped while it connected.
    if (this.stopped.signal.aborted) await reader.stop();
    else this.reader = reader;
  }
}
