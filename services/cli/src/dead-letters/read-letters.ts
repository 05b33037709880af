import { readDeadLetter, topics, type DeadLetter } from '@laurel/events';
import { partitionCounts, readToEnd, type Kafka } from '@laurel/kafka';
import type { StreamRecord } from '@laurel/stream';
import { LetterFold, type Letter } from './letter-fold.js';

/** The topic of dead letters of one Laurel. */
export interface LetterSource {
  readonly kafka: Kafka;
  readonly topicPrefix: string;
}

export class NoTopic extends Error {}

/** Everything that is in the topic and committed now. @throws NoTopic */
export async function foldLetters(source: LetterSource): Promise<LetterFold> {
  const topic = source.topicPrefix + topics.deadLetters.name;
  if (!(await partitionCounts(source.kafka, [topic])).has(topic))
    throw new NoTopic(`topic ${topic} does not exist; run: laurel topics apply`);
  const fold = new LetterFold();
  await readAll(source, (record, partition) => {
    fold.take(record, partition);
  });
  return fold;
}

/**
 * Hands over the whole of these letters, one after another, as they come in the topic.
 *
 * @param onLetter is awaited, so that no more is held than one fetch.
 * @returns those that are not there any more.
 */
export async function readWhole(
  source: LetterSource,
  letters: readonly Letter[],
  onLetter: (letter: Letter, whole: DeadLetter) => void | Promise<void>,
): Promise<readonly Letter[]> {
  const missing = new Map(letters.map((letter) => [copyText(letter.copy.partition, letter.copy.offset), letter]));
  if (missing.size === 0) return [];
  await readAll(source, async (record, partition) => {
    const at = copyText(partition, record.offset);
    const letter = missing.get(at);
    const whole = letter === undefined || record.value === null ? undefined : readDeadLetter(record.value);
    if (letter === undefined || whole === undefined) return;
    missing.delete(at);
    await onLetter(letter, whole);
  });
  return [...missing.values()];
}

const copyText = (partition: number, offset: number): string => `${partition}/${offset}`;

function readAll(
  { kafka, topicPrefix }: LetterSource,
  onRecord: (record: StreamRecord, partition: number) => void | Promise<void>,
): Promise<void> {
  return readToEnd(kafka, {
    topic: topicPrefix + topics.deadLetters.name,
    groupPrefix: `${topicPrefix}laurel-dead-letters-`,
    onRecord,
  });
}
