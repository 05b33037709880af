import { isDeepStrictEqual } from 'node:util';
import { titleHolders, topics, type AwardEvent, type TitleHolders, type UsageRecorded } from '@laurel/events';
import { readToEnd } from '@laurel/kafka';
import { fold, holdersOf } from '@laurel/titles';
import { eventually } from './pipeline/eventually.js';
import { Pipeline } from './pipeline/pipeline.js';
import { ServiceProcess } from './pipeline/service-process.js';
import { usage } from './pipeline/usage.js';

const NOW = Date.now();
const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);
const LEGEND = 'token_legend|company';

describe('the title awarder', () => {
  let pipeline: Pipeline;
  const others: ServiceProcess[] = [];

  beforeEach(async () => {
    pipeline = await Pipeline.create(['usage-ingest', 'usage-projector']);
  });

  afterEach(async () => {
    await Promise.all(others.splice(0).map((service) => service.end('SIGKILL')));
    await pipeline.close();
  });

  const event = (userId: string, eventId: string, fields: Parameters<typeof usage>[0]): UsageRecorded =>
    usage({ source: 'awarder-test', event_id: eventId, user_id: userId, occurred_at: NOW, ...fields });
  const retracted = (userId: string, eventId: string): UsageRecorded =>
    event(userId, eventId, { revision: 1, retracted: true });
  const lead = (userId: string, eventId: string, input: number): Promise<void> =>
    pipeline.publish([event(userId, eventId, { tokens: { input } })]);

  /** What a subscriber that only knows the compacted topic arrives at. */
  async function published(): Promise<Map<string, TitleHolders | null>> {
    const latest = new Map<string, TitleHolders | null>();
    await readToEnd(pipeline.kafka, {
      topic: pipeline.topic(topics.titleHolders.name),
      groupPrefix: pipeline.prefix,
      onRecord: ({ key, value }) =>
        void latest.set(Buffer.from(key ?? []).toString(), value === null ? null : titleHolders.decode(value)),
    });
    return latest;
  }

  /** The log folds without a hole or a repeat, each change is there once, and the holders are its fold. */
  async function expectSoundLog(): Promise<AwardEvent[]> {
    let log: AwardEvent[] = [];
    // A transaction’s end reaches its two partitions one after the other.
    await eventually('the holders to be the fold of the awards', async () => {
      log = await pipeline.awards();
      const folded = [...fold(log)].map(([key, state]): [string, TitleHolders | null] => [key, holdersOf(state)]);
      const shown = [...(await published())].sort(byKey);
      // Decoded records are of classes of their own; a clone is a plain object.
      return isDeepStrictEqual(structuredClone(shown), structuredClone(folded.sort(byKey)));
    });
    expect(new Set(log.map((award) => award.award_id)).size).toBe(log.length);
    return log;
  }

  const holder = async (key = LEGEND): Promise<string | undefined> => {
    const state = fold(await pipeline.awards()).get(key);
    return state === undefined ? undefined : holdersOf(state)?.holders[0]?.user_id;
  };
  const toHold = (userId: string | undefined): Promise<unknown> =>
    eventually(`${userId ?? 'nobody'} to hold the title`, async () => (await holder()) === userId);
  const legend = (log: readonly AwardEvent[]): (string | null)[][] =>
    log
      .filter((award) => award.title_id === 'token_legend' && award.type.startsWith('title_'))
      .map((award) => [award.type, award.user_id, award.reason]);

  /** An evaluation that began after this call has ended. */
  async function evaluated(service: ServiceProcess): Promise<void> {
    const count = (): Promise<number> => service.metric('laurel_title_ticks_total');
    const before = await count();
    await eventually('two evaluations', async () => (await count()) >= before + 2);
  }

  it('awards, moves only by more than the margin, revokes what was corrected, and leaves a tombstone', async () => {
    const awarder = await pipeline.start('title-awarder');
    await lead('u-ada', 'ada-1', 1000);
    await toHold('u-ada');
    await lead('u-bob', 'bob-1', 1001);
    await pipeline.settled();
    await evaluated(awarder);
    expect(await holder()).toBe('u-ada');
    await lead('u-bob', 'bob-2', 1000);
    await toHold('u-bob');
    await pipeline.publish(['bob-1', 'bob-2'].map((eventId) => retracted('u-bob', eventId)));
    await toHold('u-ada');
    await pipeline.publish([retracted('u-ada', 'ada-1')]);
    await toHold(undefined);
    const log = await expectSoundLog();
    expect((await published()).get(LEGEND)).toBeNull();
    const revocations = log.filter((award) => award.title_id === 'token_legend' && award.type === 'title_revoked');
    expect(revocations.filter(({ user_id, reason }) => user_id === 'u-ada' && reason === 'corrected')).toHaveLength(1);
    expect(revocations.filter(({ user_id, reason }) => user_id === 'u-bob' && reason === 'corrected')).toHaveLength(1);
    // A restart finds all this in the log and has nothing to add.
    await awarder.end('SIGTERM');
    await evaluated(await pipeline.start('title-awarder'));
    expect(await expectSoundLog()).toEqual(log);
  });

  it('writes each change once while two run, and while the active one stands still beyond its session', async () => {
    const first = await pipeline.start('title-awarder');
    await lead('u-0', 'e-0', 1000);
    await toHold('u-0');
    const second = await ServiceProcess.start('title-awarder', pipeline.environment);
    others.push(second);
    let input = 1000;
    for (let change = 1; change <= 3; change += 1) {
      input *= 2;
      // Whichever is active: one of the two stands still in turn.
      const still = change % 2 === 1 ? first : second;
      still.signal('SIGSTOP');
      await lead(`u-${change}`, `e-${change}`, input);
      await toHold(`u-${change}`);
      still.signal('SIGCONT');
      input *= 2;
      await lead(`v-${change}`, `f-${change}`, input);
      await toHold(`v-${change}`);
      await expectSoundLog();
    }
    const log = legend(await expectSoundLog());
    expect(log.filter(([type]) => type === 'title_awarded').map(([, user]) => user)).toEqual([
      'u-0',
      'u-1',
      'v-1',
      'u-2',
      'v-2',
      'u-3',
      'v-3',
    ]);
    expect(first.isRunning && second.isRunning).toBe(true);
  }, 240_000);

  it('leaves nothing half-written when it is killed again and again', async () => {
    let awarder = await pipeline.start('title-awarder');
    let input = 1000;
    for (let kill = 0; kill < 6; kill += 1) {
      input *= 2;
      await lead(`u-${kill}`, `e-${kill}`, input);
      // At every stage of the projection's way to an award, and within its transaction as chance has it.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 1500));
      await awarder.end('SIGKILL');
      awarder = await pipeline.start('title-awarder');
      await toHold(`u-${kill}`);
      await expectSoundLog();
    }
    const log = legend(await expectSoundLog());
    expect(log.filter(([type]) => type === 'title_awarded').map(([, user]) => user)).toEqual(
      Array.from({ length: 6 }, (_, kill) => `u-${kill}`),
    );
  }, 240_000);
});
