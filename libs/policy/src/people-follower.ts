import { topics } from '@laurel/events';
import { TopicFollower, type Kafka } from '@laurel/kafka';
import type { RetryPolicy } from '@laurel/stream';
import { readProfileRecord, type ProfileRecord } from './profile-record.js';

/**
 * Follows `people.profiles.v1`.
 *
 * @param onRecord told of every record in its order. Must not throw: that would be a bug, and ends the reading.
 * @param onFatal told when the reading has failed for good.
 */
export const peopleFollower = (
  kafka: Kafka,
  topicPrefix: string,
  onRecord: (record: ProfileRecord) => void,
  policy: RetryPolicy,
  onFatal: (error: unknown) => void,
): TopicFollower =>
  new TopicFollower(kafka, {
    topic: topics.peopleProfiles,
    topicPrefix,
    reader: 'laurel-people',
    policy,
    onRecord: (record) => onRecord(readProfileRecord(record)),
    onFatal,
  });
