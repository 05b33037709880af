import Table from 'cli-table3';
import { awardEvent, topics, type Undelivered } from '@laurel/events';
import { partitionCounts, readToEnd, type Kafka } from '@laurel/kafka';
import { UndeliveredFold } from '@laurel/titles';
import { timeText } from '../dead-letters/text.js';
import { brief } from '../terminal.js';

/** The topics of one Laurel. */
export interface AwardSource {
  readonly kafka: Kafka;
  readonly topicPrefix: string;
}

export class NoTopic extends Error {}

/** Everything that is in the topic and committed now. @throws NoTopic */
export async function foldUndelivered({ kafka, topicPrefix }: AwardSource): Promise<UndeliveredFold> {
  const topic = topicPrefix + topics.undelivered.name;
  if (!(await partitionCounts(kafka, [topic])).has(topic))
    throw new NoTopic(`topic ${topic} does not exist; run: laurel topics apply`);
  const fold = new UndeliveredFold();
  await readToEnd(kafka, {
    topic,
    groupPrefix: `${topicPrefix}laurel-awards-`,
    onRecord: (record) => fold.take(record),
  });
  return fold;
}

/** Which letters are meant; all of what is given must hold. */
export interface UndeliveredSelection {
  readonly endpoint?: string | undefined;
  /** Award ids. */
  readonly awards?: ReadonlySet<string> | undefined;
}

export const isSelected = (letter: Undelivered, { endpoint, awards }: UndeliveredSelection): boolean =>
  (endpoint === undefined || letter.endpoint === endpoint) &&
  (awards === undefined || awards.has(awardEvent.decode(letter.award).award_id));

const MESSAGE_CHARACTERS = 60;

/** One line each. */
export function undeliveredTable(letters: readonly Undelivered[]): string {
  const table = new Table({
    head: ['given up (UTC)', 'endpoint', 'award', 'title', 'type', 'code', 'attempts', 'message'],
    colAligns: ['left', 'left', 'left', 'left', 'left', 'left', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const { given_up_at, endpoint, code, attempts, message, award } of letters) {
    const { award_id, title_id, type } = awardEvent.decode(award);
    table.push([
      timeText(given_up_at),
      endpoint,
      award_id,
      title_id,
      type,
      code,
      String(attempts),
      brief(message, MESSAGE_CHARACTERS),
    ]);
  }
  return table.toString();
}

/** As `--json` prints a letter; instants are RFC 3339. */
export function undeliveredJson({ given_up_at, award, ...letter }: Undelivered): Record<string, unknown> {
  const { award_id, title_id, scope, type } = awardEvent.decode(award);
  return {
    endpoint: letter.endpoint,
    award_id,
    award_offset: String(letter.award_offset),
    title_id,
    scope,
    type,
    code: letter.code,
    status: letter.status,
    message: letter.message,
    attempts: letter.attempts,
    given_up_at: new Date(given_up_at).toISOString(),
  };
}
