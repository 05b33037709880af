import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { topics, type PersonProfile } from '@laurel/events';
import {
  applyTopics,
  classifyKafkaFailure,
  kafkaClient,
  RecordProducer,
  type Kafka,
  type TopicFollower,
} from '@laurel/kafka';
import { changeProfile, readPeople, resetProfile, type ProfileChange } from './change-profile.js';
import { PeopleDirectory } from './people-directory.js';
import { peopleFollower } from './people-follower.js';
import type { ProfileRecord } from './profile-record.js';

const STANDARD = { visibility: 'handle', figures: 'exact' } as const;

describe('people’s choices on people.profiles.v1', () => {
  let kafka: Kafka;
  const topicPrefix = `policy-test-${randomUUID()}.`;
  const followers: TopicFollower[] = [];

  beforeAll(async () => {
    const brokers = process.env['LAUREL_TEST_KAFKA_BROKERS'];
    if (brokers === undefined) throw new Error('LAUREL_TEST_KAFKA_BROKERS is not set; see with-stack in deploy/local');
    kafka = kafkaClient({ brokers: brokers.split(','), clientId: 'policy-test' });
    await applyTopics(kafka, [topics.peopleProfiles], { prefix: topicPrefix, replicationFactor: 1 });
  });
  afterAll(() => Promise.all(followers.map((follower) => follower.stop())));

  const change = (userId: string, wanted: ProfileChange, nowMs = 1, pseudonyms: readonly string[] = []) =>
    changeProfile({ kafka, topicPrefix }, userId, wanted, {
      standard: STANDARD,
      pseudonyms: () => Promise.resolve(pseudonyms),
      changedBy: 'admin',
      nowMs,
    });
  const reset = (userId: string) => resetProfile({ kafka, topicPrefix }, userId);
  const profileOf = async (userId: string): Promise<PersonProfile | undefined> =>
    (await readPeople({ kafka, topicPrefix }, STANDARD)).profileOf(userId);

  async function follow(onRecord: (record: ProfileRecord) => void): Promise<number> {
    const fail = (error: unknown): void => {
      throw error;
    };
    const follower = peopleFollower(kafka, topicPrefix, onRecord, { classify: classifyKafkaFailure }, fail);
    followers.push(follower);
    return follower.start();
  }

  it('are changed one thing at a time, in their one form, and taken back', async () => {
    const standard: PersonProfile = {
      user_id: 'u-ada',
      visibility: 'handle',
      display_name: null,
      handle: null,
      figures: 'exact',
      changed_at: 5,
      changed_by: 'admin',
    };
    expect(await change('u-ada', { handle: 'Quiet-Crow' }, 5)).toEqual({
      ok: true,
      isWritten: true,
      profile: { ...standard, handle: 'quiet-crow' },
    });
    const named = { ...standard, handle: 'quiet-crow', visibility: 'name', display_name: 'Ada', changed_at: 6 };
    expect(await change('u-ada', { visibility: 'name', display_name: ' Ada ' }, 6)).toMatchObject({ profile: named });
    expect(await profileOf('u-ada')).toEqual(named);
    // Nothing to change is not written, so that nobody is earlier or later for it.
    expect(await change('u-ada', { visibility: 'name' }, 7)).toEqual({ ok: true, isWritten: false, profile: named });
    expect([await reset('u-ada'), await reset('u-ada'), await reset('u-nobody')]).toEqual([true, false, false]);
    expect(await profileOf('u-ada')).toBeUndefined();
  });

  it.each<[string, string, ProfileChange]>([
    ['name_missing', 'u-x', { visibility: 'name' }],
    ['name_characters', 'u-x', { display_name: 'a\u202eb' }],
    ['handle_reserved', 'u-x', { handle: 'calm-otter-482913' }],
    ['handle_characters', 'u-x', { handle: 'сrow' }],
    ['invalid_user_id', '', { figures: 'bands' }],
    ['invalid_user_id', 'x'.repeat(257), { figures: 'bands' }],
  ])('are refused as %s, and then nothing is written', async (code, user, wanted) => {
    expect(await change(user, wanted)).toEqual({ ok: false, code });
    expect(await profileOf(user)).toBeUndefined();
  });

  it('leave a handle with who was first, also against whoever looks like it or takes a pseudonym’s look', async () => {
    expect(await change('u-bo', { handle: 'raven' })).toMatchObject({ ok: true });
    expect(await change('u-cy', { handle: 'r.a.v.e.n' })).toEqual({ ok: false, code: 'handle_taken' });
    expect(await change('u-cy', { handle: 'user.47' }, 1, ['user-47', 'u-cy'])).toEqual({
      ok: false,
      code: 'handle_taken',
    });
    // One’s own pseudonym is one’s own.
    expect(await change('u-cy', { handle: 'u-cy' }, 1, ['u-cy'])).toMatchObject({ ok: true });
    expect(await reset('u-bo')).toBe(true);
    expect(await change('u-cy', { handle: 'raven' })).toMatchObject({ ok: true });
  });

  it('give one handle to one of many who want it at the same moment', async () => {
    const wanting = Array.from({ length: 4 }, (_, index) => `u-wants-${index}`);
    const answers = await Promise.all(wanting.map((user) => change(user, { handle: 'wanted' })));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    expect(answers.filter((answer) => !answer.ok && answer.code === 'handle_taken')).toHaveLength(3);
  });

  it('are followed from the beginning and on, and a record that can’t be read hides its person', async () => {
    await change('u-dee', { visibility: 'hidden' });
    const producer = new RecordProducer(kafka, topicPrefix);
    await producer.connect();
    await producer.send(topics.peopleProfiles.name, [{ key: 'u-odd', value: Buffer.from('?') }]);
    await producer.close();

    const directory = new PeopleDirectory(STANDARD);
    const end = await follow(({ offset, userId, profile }) => directory.apply(offset, userId, profile));
    expect(end).toBeGreaterThan(1);
    expect(['u-dee', 'u-odd', 'u-nobody'].map((user) => directory.isHidden(user))).toEqual([true, true, false]);
    await change('u-dee', { visibility: 'handle' });
    const deadline = Date.now() + 60_000;
    while (directory.isHidden('u-dee') && Date.now() < deadline) await sleep(25);
    expect(directory.isHidden('u-dee')).toBe(false);
  });
});
