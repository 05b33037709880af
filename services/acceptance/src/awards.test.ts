import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import avro from 'avsc';
import kafkajs from 'kafkajs';
import { eventually } from './pipeline/eventually.js';
import { Pipeline } from './pipeline/pipeline.js';
import { usage } from './pipeline/usage.js';

const SCHEMAS = fileURLToPath(new URL('../../../schemas/avro/', import.meta.url));
const SINGLE_OBJECT_HEADER = 10;

/** A dashboard's reader: it has the schema files and a Kafka client, and nothing of Laurel's. */
function readerOf(schema: string): (value: Buffer) => Record<string, unknown> {
  const type = avro.Type.forSchema(JSON.parse(readFileSync(`${SCHEMAS}${schema}.avsc`, 'utf8')) as avro.Schema);
  return (value) => type.fromBuffer(value.subarray(SINGLE_OBJECT_HEADER)) as Record<string, unknown>;
}

interface Award {
  readonly award_id: string;
  readonly type: string;
  readonly title_id: string;
  readonly user_id: string;
  readonly reason: string;
  readonly previous_holder: string | null;
}

interface Titles {
  readonly titles: readonly {
    readonly id: string;
    readonly holders: readonly { readonly user_id: string; readonly award_id: string }[];
  }[];
}

describe('award events', () => {
  let pipeline: Pipeline;
  const awards: Award[] = [];
  /** The compacted topic as it is read: the last value of each key, none after a tombstone. */
  const holders = new Map<string, Record<string, unknown>>();
  let stop: () => Promise<void>;

  beforeAll(async () => {
    pipeline = await Pipeline.create(['usage-ingest', 'usage-projector', 'title-awarder', 'api']);
    const kafka = new kafkajs.Kafka({
      brokers: (process.env['LAUREL_TEST_KAFKA_BROKERS'] ?? '').split(','),
      logLevel: kafkajs.logLevel.NOTHING,
    });
    const consumer = kafka.consumer({ groupId: `${pipeline.prefix}dashboard`, readUncommitted: false });
    const decodeAward = readerOf('AwardEvent');
    const decodeHolders = readerOf('TitleHolders');
    await consumer.connect();
    await consumer.subscribe({
      topics: [pipeline.topic('titles.awards.v1'), pipeline.topic('titles.holders.v1')],
      fromBeginning: true,
    });
    await consumer.run({
      eachMessage: ({ topic, message }) => {
        const key = String(message.key);
        if (topic.endsWith('titles.awards.v1'))
          awards.push(decodeAward(message.value ?? Buffer.alloc(0)) as unknown as Award);
        else if (message.value === null) holders.delete(key);
        else holders.set(key, decodeHolders(message.value));
        return Promise.resolve();
      },
    });
    stop = () => consumer.disconnect();
  });

  afterAll(async () => {
    await stop();
    await pipeline.close();
  });

  const holderOf = (title: string): string | undefined =>
    (holders.get(`${title}|company`)?.['holders'] as readonly { user_id: string }[] | undefined)?.[0]?.user_id;
  const eventsOf = (title: string): readonly string[] =>
    awards
      .filter((award) => award.title_id === title)
      .map(({ type, user_id, reason }) => `${type} ${user_id} ${reason}`);
  const held = (title: string, user: string | undefined): Promise<true> =>
    eventually(`${title} to be held by ${user ?? 'nobody'}`, () => Promise.resolve(holderOf(title) === user), {
      describe: () => ({ holder: holderOf(title), events: eventsOf(title) }),
    });

  /** The two topics are read independently, so the award may come after the holder. */
  const expectEvents = async (title: string, last: readonly string[]): Promise<void> => {
    await eventually(`${title} to have told it`, () => Promise.resolve(eventsOf(title).at(-1) === last.at(-1)), {
      describe: () => eventsOf(title),
      timeoutMs: 10_000,
    });
    expect(eventsOf(title).slice(-last.length)).toEqual(last);
  };

  it('award a vacant title, move it to a challenger who is clearly ahead, and not within the margin', async () => {
    await pipeline.publish([usage({ event_id: 'ada-1', user_id: 'u-ada', tokens: { input: 1000 } })]);
    await held('token_legend', 'u-ada');
    await pipeline.publish([usage({ event_id: 'bo-1', user_id: 'u-bo', tokens: { input: 1010 } })]);
    await pipeline.settled();
    await pipeline.publish([usage({ event_id: 'bo-2', user_id: 'u-bo', tokens: { input: 500 } })]);
    await held('token_legend', 'u-bo');
    await expectEvents('token_legend', [
      'title_awarded u-ada vacant',
      'title_revoked u-ada overtaken',
      'title_awarded u-bo overtook',
    ]);
    expect(awards.at(-1)?.previous_holder ?? awards.find((award) => award.user_id === 'u-bo')?.previous_holder).toBe(
      'u-ada',
    );
  });

  it('revoke with the reason when a correction takes the ground away', async () => {
    await pipeline.publish([usage({ event_id: 'cy-1', user_id: 'u-cy', tokens: { input: 9000 } })]);
    await held('token_legend', 'u-cy');
    const [row] = await pipeline.rows<{ at: string }>(
      "SELECT toUnixTimestamp64Milli(occurred_at) AS at FROM usage_events FINAL WHERE event_id = 'cy-1'",
    );
    await pipeline.publish([
      usage({ event_id: 'cy-1', user_id: 'u-cy', occurred_at: Number(row?.at), revision: 1, tokens: { input: 10 } }),
    ]);
    await held('token_legend', 'u-bo');
    await expectEvents('token_legend', ['title_revoked u-cy corrected', 'title_awarded u-bo overtook']);
  });

  it('leave a tombstone when nobody holds a title any more', async () => {
    const session = (retracted: boolean) =>
      Array.from({ length: 3 }, (_, minute) =>
        usage({
          event_id: `s-${minute}`,
          user_id: 'u-di',
          session_id: 'long',
          revision: retracted ? 1 : 0,
          retracted,
          occurred_at: Date.UTC(2026, 10, 20, 10, minute),
          tokens: { input: 1 },
        }),
      );
    await pipeline.publish(session(false));
    await held('session_immortal', 'u-di');
    await pipeline.publish(session(true));
    await held('session_immortal', undefined);
    await expectEvents('session_immortal', ['title_awarded u-di vacant', 'title_revoked u-di corrected']);
  });

  it('are told once, also over restarts of title-awarder', async () => {
    const before = awards.map((award) => award.award_id);
    expect(new Set(before).size).toBe(before.length);
    await pipeline.service('title-awarder').end('SIGTERM');
    await pipeline.start('title-awarder');
    await eventually(
      'two evaluations after the restart',
      async () => (await pipeline.service('title-awarder').metric('laurel_title_ticks_total')) >= 2,
    );
    expect(awards.map((award) => award.award_id)).toEqual(before);
  });

  it('arrive at the holders that the API shows', async () => {
    const { titles } = await pipeline.get<Titles>('/v1/titles');
    const shown = titles.flatMap(({ id, holders: people }) =>
      people.map(({ user_id, award_id }) => [id, user_id, award_id]),
    );
    const subscribed = [...holders.values()].flatMap((one) =>
      (one['holders'] as readonly { user_id: string; award_id: string }[]).map(({ user_id, award_id }) => [
        one['title_id'],
        user_id,
        award_id,
      ]),
    );
    expect(shown.length).toBeGreaterThan(0);
    expect(subscribed.sort()).toEqual(shown.sort());
  });
});
