import { topics, type Undelivered } from '@laurel/events';
import { classifyKafkaFailure, FencedWriter, isFenced } from '@laurel/kafka';
import { keepTrying } from '@laurel/stream';
import { keyOfUndelivered, redeliveryWish } from '@laurel/titles';
import { foldUndelivered, type AwardSource } from './undelivered.js';

/** One for all who ask, so that a later one shuts out an earlier one. */
const TRANSACTIONAL_ID = 'laurel-awards-redeliver';
/** How long the broker may take to end the transaction of one that was killed, in ms. */
const CLAIM_DEADLINE_MS = 60_000;
/** Awards of some 2 kB each, far below what the topic takes at once. */
const MAX_TRANSACTION_RECORDS = 100;

export class RedeliverError extends Error {
  constructor(
    readonly code: 'fenced' | 'interrupted',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'RedeliverError';
  }
}

/**
 * Asks award-notifier to deliver these again, each once, however often it is begun and wherever it was stopped: who asks reads
 * the topic after every other one has been fenced, and what asks is what closes the letter.
 *
 * @returns those that were asked for; the others had been by somebody else, or are no more.
 * @throws RedeliverError
 */
export async function askForRedelivery(
  source: AwardSource,
  chosen: readonly Undelivered[],
): Promise<readonly Undelivered[]> {
  const asked: Undelivered[] = [];
  const writer = await claim(source);
  try {
    const keys = new Set(chosen.map(keyOfUndelivered));
    // Only now: what was read before the claim may have been asked for by the one that the claim has shut out.
    const open = (await foldUndelivered(source)).open().filter((letter) => keys.has(keyOfUndelivered(letter)));
    for (let from = 0; from < open.length; from += MAX_TRANSACTION_RECORDS) {
      const lot = open.slice(from, from + MAX_TRANSACTION_RECORDS);
      await writer.write({ [topics.undelivered.name]: lot.map(redeliveryWish) });
      asked.push(...lot);
    }
    return asked;
  } catch (error) {
    throw failure(error, asked.length);
  } finally {
    await writer.close();
  }
}

function failure(error: unknown, asked: number): RedeliverError {
  if (isFenced(error)) {
    const message = `another redelivery has begun and took over from this one, which had asked for ${asked}. Run again to ask for what may be left`;
    return new RedeliverError('fenced', message, { cause: error });
  }
  const reason = error instanceof Error ? error.message : String(error);
  const message = `stopped after ${asked}: ${reason}. Run again: it asks only for what was not asked for`;
  return new RedeliverError('interrupted', message, { cause: error });
}

async function claim({ kafka, topicPrefix }: AwardSource): Promise<FencedWriter> {
  let last: unknown;
  try {
    return await keepTrying(
      'claim',
      () => FencedWriter.claim(kafka, topicPrefix + TRANSACTIONAL_ID, topicPrefix, { compression: 'lz4' }),
      { classify: classifyKafkaFailure, maxDelayMs: 500, onOutage: (_, error) => (last = error) },
      AbortSignal.timeout(CLAIM_DEADLINE_MS),
    );
  } catch (error) {
    throw failure(last ?? error, 0);
  }
}
