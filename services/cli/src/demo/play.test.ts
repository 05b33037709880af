import { setTimeout as pause } from 'node:timers/promises';
import { validateUsage, type OutcomeRecorded, type UsageRecorded } from '@laurel/events';
import { createPublisher, type OutcomeInput, type RecordResult, type UsageInput } from '@laurel/publisher';
import { castOf } from './cast.js';
import { DEFAULT_SEED, demoEvents } from './demo-events.js';
import { demoOutcomes } from './demo-outcomes.js';
import { play } from './play.js';
import { readTrace } from './trace-file.js';
import { TrickleEvents, trickle } from './trickle.js';

/** Takes what it is given and acknowledges it at `flush()`. */
class Recorder {
  readonly recorded: (UsageInput | OutcomeInput)[] = [];
  acknowledged = 0;
  full = false;

  record(usage: UsageInput): RecordResult {
    return this.take(usage);
  }

  recordOutcome(outcome: OutcomeInput): RecordResult {
    return this.take(outcome);
  }

  private take(event: UsageInput | OutcomeInput): RecordResult {
    this.recorded.push(event);
    const { source = '', event_id = '', user_id } = event;
    return { accepted: true, identity: { source, event_id, user_id, occurred_at: 0 } };
  }

  async ready(): Promise<void> {
    await Promise.resolve();
  }

  async flush(): Promise<void> {
    await Promise.resolve();
    this.acknowledged = this.recorded.length;
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 4_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('the condition did not come true in 4 s');
    await pause(5);
  }
}

const DAY_MS = 86_400_000;
const demo = { seed: DEFAULT_SEED, anchorMs: Date.UTC(2026, 10, 22, 8) };
const usage = demoEvents(await readTrace(), demo);
const events: readonly (UsageRecorded | OutcomeRecorded)[] = [...usage, ...demoOutcomes(usage, demo)];
const NOBODY_LISTENS = {
  source: 'test',
  kafka: { brokers: ['127.0.0.1:1'] },
  onError: () => undefined,
};

describe('playing events', () => {
  it('publishes all of them in order and tells of acknowledged ones only', async () => {
    const publisher = new Recorder();
    const progress: number[] = [];
    const onProgress = ({ played, total }: { played: number; total: number }): void => {
      expect(played).toBe(publisher.acknowledged);
      expect(total).toBe(events.length);
      progress.push(played);
    };
    expect(await play(events, publisher, { onProgress })).toBe(events.length);
    expect(publisher.recorded).toEqual(events);
    expect(progress.length).toBeGreaterThan(10);
    expect(progress.at(-1)).toBe(events.length);
  });

  it('ends after the part under way when aborted', async () => {
    const publisher = new Recorder();
    const stop = new AbortController();
    const played = await play(events, publisher, { signal: stop.signal, onProgress: () => stop.abort() });
    expect(played).toBe(publisher.acknowledged);
    expect(played).toBeGreaterThan(0);
    expect(played).toBeLessThan(events.length);
  });

  it('fails with the publisher’s own error when an event is refused', async () => {
    const publisher = createPublisher(NOBODY_LISTENS);
    const invalid = { ...events[0], user_id: 'someone@example.com' } as UsageRecorded;
    await expect(play([invalid], publisher)).rejects.toMatchObject({ code: 'user_id_is_email' });
    await publisher.close({ timeoutMs: 0 });
  });
});

describe('the trickle', () => {
  const cast = castOf(DEFAULT_SEED);

  it('invents small valid events at the given time, by the people of the recording and their models', () => {
    const known = new Set(events.map(({ user_id, team }) => `${user_id} ${team}`));
    const modelsOf = new Map(cast.users.map((user) => [user.user_id, user.favourites.map(({ model }) => model)]));
    const invented = new TrickleEvents(cast, 'run', Math.random);
    const now = Date.UTC(2026, 10, 22, 9);
    for (let count = 0; count < 500; count += 1) {
      const event = invented.next(now + count);
      expect(validateUsage(event, now - DAY_MS + count)).toMatchObject({ ok: true });
      expect(event).toMatchObject({ source: 'demo-trickle', occurred_at: now + count });
      expect(known).toContain(`${event.user_id} ${event.team}`);
      expect(modelsOf.get(event.user_id)).toContain(event.model);
      expect(Object.values(event.tokens).every((tokens) => tokens < 1_000)).toBe(true);
    }
  });

  it('repeats no id, within a run or between two, and starts new sessions', () => {
    const runs = ['one', 'two'].map((run) => new TrickleEvents(cast, run, Math.random));
    const invented = runs.flatMap((run) => Array.from({ length: 300 }, () => run.next(0)));
    expect(new Set(invented.map((event) => event.event_id)).size).toBe(600);
    const sessions = new Map<string | null, number>();
    for (const { session_id } of invented) sessions.set(session_id, (sessions.get(session_id) ?? 0) + 1);
    expect(sessions.size).toBeGreaterThan(100);
    expect(Math.max(...sessions.values())).toBeLessThanOrEqual(6);
  });

  it('goes on until it is aborted, and then ends at once', async () => {
    const publisher = new Recorder();
    const stop = new AbortController();
    const ended = trickle(cast, publisher, { signal: stop.signal, eventsPerSecond: 5 });
    await until(() => publisher.recorded.length >= 3);
    stop.abort();
    expect(await ended).toBe(publisher.recorded.length);
  });

  it('invents nothing while the publisher has no room', async () => {
    const publisher = new Recorder();
    let asked = 0;
    Object.defineProperty(publisher, 'full', { get: () => (asked += 1) <= 2 });
    const stop = new AbortController();
    const ended = trickle(cast, publisher, { signal: stop.signal, eventsPerSecond: 5 });
    await until(() => publisher.recorded.length > 0);
    stop.abort();
    await ended;
    expect(asked).toBe(3);
  });

  it('refuses a rate that is no trickle', async () => {
    const { signal } = new AbortController();
    await expect(trickle(cast, new Recorder(), { signal, eventsPerSecond: 6 })).rejects.toThrow(RangeError);
    await expect(trickle(cast, new Recorder(), { signal, eventsPerSecond: 0 })).rejects.toThrow(RangeError);
  });
});
