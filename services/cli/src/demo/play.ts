import type { OutcomeRecorded, UsageRecorded } from '@laurel/events';
import type { Publisher } from '@laurel/publisher';

/** How far the events are; both count events. */
export interface PlayProgress {
  /** Acknowledged by Kafka. */
  readonly played: number;
  readonly total: number;
}

export interface PlayOptions {
  /** Called after each acknowledged part, and not when there are no events. */
  readonly onProgress?: ((progress: PlayProgress) => void) | undefined;
  /** Ends the play after the part under way. */
  readonly signal?: AbortSignal | undefined;
}

/** Small enough for a smooth progress line, large enough that waiting for the acknowledgement costs little. */
const PART_EVENTS = 500;

/**
 * Publishes the events in their order, each part acknowledged before the next one goes.
 *
 * Resolves to the number of events acknowledged: fewer than given only after an abort. Rejects with the publisher's
 * error when an event is refused, when the broker never takes one, or when the publisher is closed meanwhile.
 */
export async function play(
  events: readonly (UsageRecorded | OutcomeRecorded)[],
  publisher: Pick<Publisher, 'record' | 'recordOutcome' | 'ready' | 'flush'>,
  { onProgress, signal }: PlayOptions = {},
): Promise<number> {
  let played = 0;
  while (played < events.length && signal?.aborted !== true) {
    const part = events.slice(played, played + PART_EVENTS);
    for (const event of part) {
      await publisher.ready();
      const result = 'tokens' in event ? publisher.record(event) : publisher.recordOutcome(event);
      if (!result.accepted) throw result.error;
    }
    await publisher.flush();
    played += part.length;
    onProgress?.({ played, total: events.length });
  }
  return played;
}
