import { topics } from '@laurel/events';
import { assertTopics, tail, type Kafka, type Tail } from '@laurel/kafka';
import { keepTrying, type RetryPolicy } from '@laurel/stream';
import { readProfileRecord, type ProfileRecord } from './profile-record.js';

/** Reads `people.profiles.v1` from its beginning, and goes on; outages are waited out. */
export class PeopleFollower {
  private readonly stopped = new AbortController();
  private reader: Tail | undefined;

  /**
   * @param onRecord told of every record in its order. Must not throw: that would be a bug, and ends the reading.
   * @param onFatal told when the reading has failed for good.
   */
  constructor(
    private readonly kafka: Kafka,
    private readonly topicPrefix: string,
    private readonly onRecord: (record: ProfileRecord) => void,
    private readonly policy: RetryPolicy,
    private readonly onFatal: (error: unknown) => void,
  ) {}

  /**
   * Resolves when every choice that was there has been told of, or the follower was stopped.
   *
   * @returns the end of the topic at the start: every record before it has been told of.
   */
  async start(): Promise<number> {
    const { signal } = this.stopped;
    try {
      await keepTrying(
        'start',
        () => assertTopics(this.kafka, [topics.peopleProfiles], this.topicPrefix),
        this.policy,
        signal,
      );
      await keepTrying('people', () => this.open(), this.policy, signal);
      await this.reader?.caughtUp;
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
    const { topicPrefix, onFatal } = this;
    const reader = await tail(this.kafka, {
      topic: topicPrefix + topics.peopleProfiles.name,
      groupPrefix: `${topicPrefix}laurel-people-`,
      onRecord: (record) => this.onRecord(readProfileRecord(record)),
      onFailure: onFatal,
    });
    // It may have been stopped while it connected.
    if (this.stopped.signal.aborted) await reader.stop();
    else this.reader = reader;
  }
}
