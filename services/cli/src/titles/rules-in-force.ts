import { titleRules, topics } from '@laurel/events';
import { assertTopics, readToEnd, type Kafka } from '@laurel/kafka';
import { RuleBook } from '@laurel/titles';

/** The rules in force, and all that were published before. */
export async function rulesInForce(kafka: Kafka, topicPrefix: string): Promise<RuleBook> {
  await assertTopics(kafka, [topics.titleRules], topicPrefix);
  const book = new RuleBook();
  await readToEnd(kafka, {
    topic: topicPrefix + topics.titleRules.name,
    groupPrefix: `${topicPrefix}laurel-titles-`,
    onRecord: ({ offset, value }) => {
      if (value !== null) book.add(offset, titleRules.decode(value));
    },
  });
  return book;
}
