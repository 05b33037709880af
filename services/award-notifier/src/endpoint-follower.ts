import { awardEvent, topics, undelivered, type Undelivered } from '@laurel/events';
import type { Delivery, RecordProducer } from '@laurel/kafka';
import { keepTrying, lastOffset, type RetryPolicy, type StreamRecord } from '@laurel/stream';
import { deliveryKey, isAboutTier, readRedeliveryWish, type LoggedAward, type UndeliveredFold } from '@laurel/titles';
import type { Endpoint } from './endpoints.js';
import type { DeliveryEnd, Receiver } from './receiver.js';

export interface FollowerEvents {
  onEnd(endpoint: string, logged: LoggedAward, end: Exclude<DeliveryEnd, { kind: 'aborted' }>): void;
}

/** One record that asks for a delivery. */
interface Asked {
  readonly logged: LoggedAward;
  /** As its record has it. */
  readonly bytes: Uint8Array;
}

/**
 * Follows the awards, and the wishes to have them delivered again, for one endpoint: one after another of each topic, in order.
 *
 * Steps of each: 1 deliver; 2 where that was given up, write the letter; 3 commit. A crash before 3 repeats them, so an award that
 * was acknowledged may come once more, with the same `webhook-id`. A letter that was written is found again at the next
 * assignment, and its delivery is not begun anew: it might succeed, and the letter be sent again on top.
 */
export class EndpointFollower {
  /** The next offset of each topic after what this process has dealt with: a commit that failed is no reason to repeat. */
  private readonly next = new Map<string, number>();
  private given: { readonly assignment: AbortSignal; readonly fold: Promise<UndeliveredFold> } | undefined;

  constructor(
    private readonly endpoint: Endpoint,
    private readonly receiver: Receiver,
    private readonly producer: Pick<RecordProducer, 'send'>,
    private readonly foldUndelivered: (signal: AbortSignal) => Promise<UndeliveredFold>,
    private readonly policy: RetryPolicy,
    private readonly events: FollowerEvents,
  ) {}

  async onBatch(delivery: Delivery): Promise<void> {
    const { batch, signal } = delivery;
    const { topic } = batch;
    try {
      for (const record of batch.records) {
        if (record.offset < (this.next.get(topic) ?? 0)) continue;
        const asked = this.asked(topic, record);
        if (asked === undefined) continue;
        await this.handle(delivery, record, asked);
        this.next.set(topic, record.offset + 1);
        await delivery.commit(record.offset + 1);
      }
      await delivery.commit(lastOffset(batch) + 1);
    } catch (error) {
      // Given up uncommitted, as the partition is another one's now or the process ends.
      if (!signal.aborted) throw error;
    }
  }

  /** Undefined when the record asks nothing of this endpoint. */
  private asked(topic: string, record: StreamRecord): Asked | undefined {
    if (record.timestampMs < this.endpoint.since) return undefined;
    if (topic === topics.undelivered.name) {
      const wish = readRedeliveryWish(record);
      if (wish?.endpoint !== this.endpoint.name) return undefined;
      return { logged: { offset: wish.awardOffset, award: awardEvent.decode(wish.award) }, bytes: wish.award };
    }
    // Only our own service writes awards, so another thing is a bug, and the process ends.
    if (record.value === null) throw new Error(`${topic}/0/${record.offset} is empty`);
    const award = awardEvent.decode(record.value);
    if (isAboutTier(award) && !this.endpoint.tiers) return undefined;
    return { logged: { offset: record.offset, award }, bytes: record.value };
  }

  /** Returns when the award was acknowledged or its letter is written. Throws when the signal aborted. */
  private async handle({ batch, signal, assignment }: Delivery, record: StreamRecord, asked: Asked): Promise<void> {
    const { name } = this.endpoint;
    const { topic } = batch;
    const key = deliveryKey(name, { topic, offset: record.offset });
    if (this.given?.assignment !== assignment) this.given = { assignment, fold: this.foldUndelivered(assignment) };
    if ((await this.given.fold).has(key)) return;
    const end = await this.receiver.deliver(asked.logged, record.timestampMs, signal);
    if (end.kind === 'aborted') throw new Error('the assignment ended');
    if (end.kind === 'undelivered') {
      const { code, status, message, attempts } = end;
      const letter: Undelivered = {
        endpoint: name,
        code,
        status,
        message,
        attempts,
        given_up_at: Date.now(),
        source_topic: topic,
        source_offset: record.offset,
        award_offset: asked.logged.offset,
        award: asked.bytes,
      };
      const records = [{ key, value: undelivered.encode(letter) }];
      await keepTrying('undelivered', () => this.producer.send(topics.undelivered.name, records), this.policy, signal);
    }
    this.events.onEnd(name, asked.logged, end);
  }
}
