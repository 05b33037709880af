import { jest } from '@jest/globals';
import fc from 'fast-check';
import { usageRecorded } from '@laurel/events';
import type { PublisherError } from './errors.js';
import { BufferedPublisher } from './publisher.js';
import type { BufferingOptions } from './options.js';
import { DELIVERED, ScriptedSink, TOO_LARGE, UNAVAILABLE } from './testing/scripted-sink.js';
import { usage } from './testing/usage.js';

const ids = (count: number): string[] => Array.from({ length: count }, (_, at) => `e-${at}`);

function setUp(sink: ScriptedSink, options: Partial<BufferingOptions> = {}) {
  const errors: PublisherError[] = [];
  const publisher = new BufferedPublisher(
    { source: 'a-tool', lingerMs: 1, maxRetryDelayMs: 100, onError: (error) => errors.push(error), ...options },
    sink,
  );
  return { publisher, errors, codes: () => errors.map((error) => error.code) };
}

const reliable = (): ScriptedSink => new ScriptedSink(() => DELIVERED);

describe('record', () => {
  it('fills in source, time and a UUID version 7, and tells the identity', async () => {
    const sink = reliable();
    const { publisher } = setUp(sink);
    const before = Date.now();
    const result = publisher.record(usage());
    await publisher.close();
    const [event] = sink.delivered;
    expect(result).toEqual({
      accepted: true,
      identity: {
        source: 'a-tool',
        event_id: event?.event_id,
        user_id: 'u-1',
        occurred_at: event?.occurred_at,
      },
    });
    expect(event?.event_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(event?.occurred_at).toBeGreaterThanOrEqual(before);
    expect(event).toMatchObject({ revision: 0, retracted: false, team: null, status: 'ok', origin: 'unknown' });
  });

  it('keeps what the caller gives, and takes a time as number, text or Date', async () => {
    const sink = reliable();
    const { publisher } = setUp(sink);
    const at = Date.UTC(2026, 5, 1, 12);
    for (const occurred_at of [at, '2026-06-01T14:00:00+02:00', new Date(at)]) {
      publisher.record(
        usage({ event_id: 'mine', source: 'other', occurred_at, revision: 2, team: 't', origin: 'main' }),
      );
    }
    await publisher.close();
    expect(sink.delivered).toHaveLength(3);
    for (const event of sink.delivered) {
      expect(event).toMatchObject({ event_id: 'mine', source: 'other', occurred_at: at, revision: 2, team: 't' });
    }
  });

  it.each<[string, object]>([
    ['user_id_is_email', { user_id: 'jane@example.com' }],
    ['invalid_id', { user_id: '' }],
    ['invalid_id', { model: 'm'.repeat(257) }],
    ['missing_field', { provider: undefined }],
    ['wrong_type', { session_id: 7 }],
    ['unknown_token_class', { tokens: { inputs: 1 } }],
    ['count_out_of_range', { tokens: { input: -1 } }],
    ['count_out_of_range', { tokens: { input: 0.5 } }],
    ['reasoning_exceeds_output', { tokens: { output: 1, reasoning: 2 } }],
    ['time_out_of_range', { occurred_at: Date.UTC(1970, 0, 1) }],
    ['time_out_of_range', { occurred_at: new Date(Date.now() + 25 * 3_600_000) }],
    ['wrong_type', { occurred_at: new Date('nonsense') }],
    ['attributes_too_large', { attributes: { a: 'x'.repeat(9000) } }],
    ['usage_mismatch', { tokens: undefined, fault: { code: 'usage_mismatch', message: 'm', field: 'tokens' } }],
  ])('returns and reports %s, and sends nothing', async (code, given) => {
    const sink = reliable();
    const { publisher, errors } = setUp(sink);
    const result = publisher.record(usage(given));
    expect(result).toMatchObject({ accepted: false, error: { code, retryable: false } });
    expect(errors).toHaveLength(1);
    await publisher.close();
    expect(sink.attempts).toHaveLength(0);
    expect(publisher.stats()).toMatchObject({ recorded: 0, rejected: 1 });
  });

  it('returns wrong_type for what is no object at all', () => {
    const { publisher } = setUp(reliable());
    for (const nothing of [null, undefined, 'text']) {
      expect(publisher.record(nothing as never)).toMatchObject({ accepted: false, error: { code: 'wrong_type' } });
      expect(publisher.retract(nothing as never)).toMatchObject({ accepted: false, error: { code: 'wrong_type' } });
    }
  });

  it('encodes exactly as the codec does, across the chunks that events share', async () => {
    const sink = reliable();
    const { publisher } = setUp(sink);
    const attributes = { long: 'y'.repeat(5000) };
    for (const event_id of ids(100)) publisher.record(usage({ event_id, attributes }));
    await publisher.close();
    const sent = sink.attempts.flat();
    expect(sink.ids).toEqual(ids(100));
    sent.forEach((record, at) => {
      const event = sink.delivered[at];
      expect(event && usageRecorded.encode(event).equals(record.value)).toBe(true);
      expect(record.key).toBe('u-1');
    });
  });
});

describe('retract', () => {
  it('repeats the identity with a higher revision and no tokens', async () => {
    const sink = reliable();
    const { publisher } = setUp(sink);
    const recorded = publisher.record(usage());
    if (!recorded.accepted) throw recorded.error;
    expect(publisher.retract({ ...recorded.identity, revision: 1 })).toEqual({
      accepted: true,
      identity: recorded.identity,
    });
    await publisher.close();
    const { source, event_id, user_id, occurred_at } = recorded.identity;
    expect(sink.delivered[1]).toMatchObject({ source, event_id, user_id, occurred_at, revision: 1, retracted: true });
    expect(sink.delivered[1]?.tokens.input).toBe(0);
  });

  it.each([0, -1, Number.NaN, undefined])('is refused with revision %p, which could not win', (revision) => {
    const { publisher } = setUp(reliable());
    const result = publisher.retract({ event_id: 'e', user_id: 'u', occurred_at: Date.now(), revision: revision as 1 });
    expect(result).toMatchObject({ accepted: false, error: { code: 'count_out_of_range', field: 'revision' } });
  });

  it('is refused without the time of the event, as another time would take nothing out', () => {
    const { publisher } = setUp(reliable());
    const result = publisher.retract({ event_id: 'e', user_id: 'u', occurred_at: undefined as never, revision: 1 });
    expect(result).toMatchObject({ accepted: false, error: { code: 'missing_field', field: 'occurred_at' } });
  });
});

describe('batching', () => {
  it('sends what was recorded within the linger time as one batch, without being asked', async () => {
    let arrived = (): void => undefined;
    const sent = new Promise<void>((resolve) => (arrived = resolve));
    const sink = new ScriptedSink(() => (arrived(), DELIVERED));
    const { publisher } = setUp(sink, { lingerMs: 5 });
    for (const event_id of ids(50)) publisher.record(usage({ event_id }));
    expect(sink.attempts).toHaveLength(0);
    // The publisher's timers keep no process alive, so the test does.
    const alive = setInterval(() => undefined, 1000);
    await sent;
    clearInterval(alive);
    expect(sink.attempts).toHaveLength(1);
    expect(sink.attempts[0]).toHaveLength(50);
    await publisher.close();
  });

  it('sends at once when a batch is full, and never a larger one', async () => {
    const sink = reliable();
    const { publisher } = setUp(sink, { lingerMs: 60_000, maxBatchBytes: 1024 });
    for (const event_id of ids(100)) publisher.record(usage({ event_id }));
    await publisher.flush();
    expect(sink.ids).toEqual(ids(100));
    expect(sink.attempts.length).toBeGreaterThan(5);
    for (const batch of sink.attempts) {
      expect(batch.reduce((bytes, record) => bytes + record.value.length, 0)).toBeLessThanOrEqual(1024);
    }
    await publisher.close();
  });
});

describe('an outage', () => {
  it('loses nothing, keeps the order, and sends the same bytes again', async () => {
    const sink = new ScriptedSink((_, attempt) => (attempt <= 3 ? UNAVAILABLE : DELIVERED));
    const { publisher, codes } = setUp(sink);
    for (const event_id of ids(10)) publisher.record(usage({ event_id }));
    await publisher.flush();
    expect(sink.ids).toEqual(ids(10));
    for (const attempt of sink.attempts.slice(1)) expect(attempt).toEqual(sink.attempts[0]);
    expect(codes()).toEqual(['delivery_delayed']);
    expect(publisher.stats()).toMatchObject({ retries: 3, acknowledged: 10, delayedSinceMs: null });
    await publisher.close();
  });

  it('is told while the first attempt still waits for an answer', async () => {
    let answer = (): void => undefined;
    const sink = new ScriptedSink(() => new Promise((resolve) => (answer = () => resolve(DELIVERED))));
    const { publisher, codes } = setUp(sink);
    publisher.record(usage());
    await expect(publisher.flush({ timeoutMs: 2_200 })).rejects.toMatchObject({ code: 'timeout' });
    expect(codes()).toEqual(['delivery_delayed']);
    expect(publisher.stats().delayedSinceMs).not.toBeNull();
    answer();
    await publisher.flush();
    expect(publisher.stats()).toMatchObject({ acknowledged: 1, delayedSinceMs: null });
    await publisher.close();
  });

  it('fills the buffer to its bound and no further; then record is refused until ready', async () => {
    let isUp = false;
    const sink = new ScriptedSink(() => (isUp ? DELIVERED : UNAVAILABLE));
    const maxBufferedBytes = 64 * 1024;
    const { publisher, codes } = setUp(sink, { maxBufferedBytes });
    let recorded = 0;
    while (!publisher.full) {
      expect(publisher.record(usage({ event_id: `e-${recorded}` })).accepted).toBe(true);
      recorded += 1;
    }
    expect(publisher.record(usage())).toMatchObject({
      accepted: false,
      error: { code: 'buffer_full', retryable: true },
    });
    expect(publisher.stats().bufferedBytes).toBeLessThanOrEqual(maxBufferedBytes);
    expect(codes()).toContain('buffer_full');
    let isReady = false;
    const ready = publisher.ready().then(() => (isReady = true));
    await expect(publisher.flush({ timeoutMs: 20 })).rejects.toMatchObject({ code: 'timeout', retryable: true });
    expect(isReady).toBe(false);
    isUp = true;
    await ready;
    expect(publisher.full).toBe(false);
    await publisher.flush();
    expect(sink.ids).toEqual(ids(recorded));
    await publisher.close();
  });

  it('never refuses a valid event while full is false, however large the events are', async () => {
    const sink = new ScriptedSink(() => UNAVAILABLE);
    const { publisher } = setUp(sink, { maxBufferedBytes: 64 * 1024 });
    const largest = usage({
      ...Object.fromEntries(
        ['user_id', 'event_id', 'source', 'team', 'session_id', 'provider', 'model'].map((f) => [f, 'é'.repeat(128)]),
      ),
      attributes: Object.fromEntries(
        Array.from({ length: 32 }, (_, at) => [`${at}`.padEnd(128, '.'), 'v'.repeat(128)]),
      ),
    });
    let accepted = 0;
    while (!publisher.full) {
      expect(publisher.record(largest)).toMatchObject({ accepted: true });
      accepted += 1;
    }
    expect(accepted).toBeGreaterThan(2);
    expect(publisher.stats().bufferedBytes).toBeLessThanOrEqual(64 * 1024);
    await publisher.close({ timeoutMs: 0 });
  });
});

describe('an outcome', () => {
  const merged = { user_id: 'u-1', kind: 'pull_request_merged', event_id: 'pr-17' } as const;

  it('goes out beside usage events, in the order in which all were recorded, with its defaults filled in', async () => {
    const sink = reliable();
    const { publisher } = setUp(sink);
    publisher.record(usage({ event_id: 'first' }));
    const at = Date.UTC(2026, 5, 1, 12);
    const result = publisher.recordOutcome({ ...merged, occurred_at: new Date(at), quantity: 2, team: 't' });
    publisher.recordOutcome({ user_id: 'u-1', kind: 'commit' });
    await publisher.close();
    expect(result).toEqual({
      accepted: true,
      identity: { source: 'a-tool', event_id: 'pr-17', user_id: 'u-1', occurred_at: at },
    });
    expect(sink.attempts.flat().map(({ stream, key }) => [stream, key])).toEqual([
      ['usage', 'u-1'],
      ['outcomes', 'u-1'],
      ['outcomes', 'u-1'],
    ]);
    expect(sink.outcomes[0]).toMatchObject({ kind: 'pull_request_merged', quantity: 2, revision: 0, team: 't' });
    expect(sink.outcomes[1]).toMatchObject({ kind: 'commit', quantity: 1, retracted: false });
    expect(sink.outcomes[1]?.event_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(publisher.stats()).toMatchObject({ recorded: 3, acknowledged: 3, undelivered: 0 });
  });

  it('is retracted by its identity and a higher revision', async () => {
    const sink = reliable();
    const { publisher } = setUp(sink);
    const recorded = publisher.recordOutcome(merged);
    if (!recorded.accepted) throw recorded.error;
    expect(publisher.retractOutcome({ ...recorded.identity, revision: 1 })).toMatchObject({ accepted: true });
    expect(publisher.retractOutcome({ ...recorded.identity, revision: 0 })).toMatchObject({ accepted: false });
    await publisher.close();
    expect(sink.outcomes[1]).toMatchObject({ ...recorded.identity, revision: 1, retracted: true, quantity: 0 });
  });

  it.each<[string, object]>([
    ['user_id_is_email', { user_id: 'jane@example.com' }],
    ['missing_field', { kind: undefined }],
    ['wrong_type', { kind: 'release' }],
    ['count_out_of_range', { quantity: -1 }],
    ['time_out_of_range', { occurred_at: 1 }],
  ])('that is %s is refused, and nothing is sent', async (code, given) => {
    const sink = reliable();
    const { publisher, codes } = setUp(sink);
    const result = publisher.recordOutcome({ ...merged, ...given });
    expect(result).toMatchObject({ accepted: false, error: { code } });
    expect(publisher.recordOutcome('no object' as never)).toMatchObject({ accepted: false });
    await publisher.close();
    expect(codes()).toEqual([code, 'wrong_type']);
    expect(sink.attempts).toEqual([]);
  });

  it('is handed back as an outcome, and calls as calls, ready to be recorded again', async () => {
    const { publisher } = setUp(new ScriptedSink(() => UNAVAILABLE));
    const call = usage({ event_id: 'call', occurred_at: Date.now() });
    publisher.record(call);
    publisher.retract({ ...call, event_id: 'call', occurred_at: Date.now(), revision: 2 });
    publisher.recordOutcome(merged);
    publisher.retractOutcome({ ...merged, occurred_at: Date.now(), revision: 3 });
    const { undelivered } = await publisher.close({ timeoutMs: 30 });
    expect(undelivered.map((one) => (one.usage ?? one.outcome).event_id)).toEqual(['call', 'call', 'pr-17', 'pr-17']);
    const sink = reliable();
    const second = setUp(sink).publisher;
    for (const one of undelivered) {
      if (one.outcome === undefined) second.record(one.usage);
      else second.recordOutcome(one.outcome);
    }
    await second.close();
    expect(sink.delivered).toEqual(undelivered.slice(0, 2).map((one) => one.usage));
    expect(sink.outcomes).toEqual(undelivered.slice(2).map(({ outcome }) => outcome));
    expect([sink.delivered[1], sink.outcomes[1]]).toMatchObject([{ retracted: true }, { retracted: true }]);
  });
});

describe('a record that the broker will never take', () => {
  it('is handed back with its code, and everything before and behind it arrives in order', async () => {
    const bad = new Set(['e-0', 'e-17', 'e-18', 'e-99']);
    const sink = new ScriptedSink((batch) =>
      batch.some((record) => bad.has(usageRecorded.decode(record.value).event_id)) ? TOO_LARGE : DELIVERED,
    );
    const { publisher, errors } = setUp(sink);
    for (const event_id of ids(100)) publisher.record(usage({ event_id }));
    const flushed = await publisher.flush().catch((error: unknown) => error as PublisherError);
    expect(flushed).toMatchObject({ code: 'undeliverable' });
    const undelivered = (flushed as PublisherError).undelivered.map((one) => [one.code, one.usage?.event_id]);
    expect(undelivered).toEqual([...bad].map((id) => ['record_too_large', id]));
    expect(errors.map((error) => error.undelivered[0]?.usage?.event_id)).toEqual([...bad]);
    expect(sink.ids).toEqual(ids(100).filter((id) => !bad.has(id)));
    await expect(publisher.flush()).resolves.toBeUndefined();
    expect(await publisher.close()).toEqual({ undelivered: [] });
    expect(publisher.stats()).toMatchObject({ recorded: 100, acknowledged: 96, undelivered: 4, buffered: 0 });
  });

  it('is found among outages, whatever comes when (property)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 60 }),
        fc.uniqueArray(fc.nat(59), { maxLength: 5 }),
        fc.infiniteStream(fc.boolean()),
        fc.integer({ min: 1024, max: 4096 }),
        async (count, positions, outages, maxBatchBytes) => {
          const bad = new Set(positions.map((at) => `e-${at}`));
          let inVain = 0;
          const sink = new ScriptedSink((batch) => {
            if (inVain < 2 && outages.next().value) {
              inVain += 1;
              return UNAVAILABLE;
            }
            return batch.some((record) => bad.has(usageRecorded.decode(record.value).event_id)) ? TOO_LARGE : DELIVERED;
          });
          const { publisher } = setUp(sink, { maxBatchBytes });
          for (const event_id of ids(count)) publisher.record(usage({ event_id }));
          const { undelivered } = await publisher.close();
          expect(sink.ids).toEqual(ids(count).filter((id) => !bad.has(id)));
          expect(undelivered.map((one) => one.usage?.event_id)).toEqual(ids(count).filter((id) => bad.has(id)));
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('close', () => {
  it('hands back what could not be delivered in time, ready to be recorded again', async () => {
    const { publisher, codes } = setUp(new ScriptedSink(() => UNAVAILABLE));
    for (const event_id of ids(3)) publisher.record(usage({ event_id }));
    const flushing = publisher.flush().catch((error: unknown) => error);
    const { undelivered } = await publisher.close({ timeoutMs: 30 });
    expect(undelivered.map((one) => [one.code, one.usage?.event_id])).toEqual(ids(3).map((id) => ['timeout', id]));
    expect(codes()).toEqual(['delivery_delayed', 'timeout']);
    expect(await flushing).toMatchObject({ code: 'closed' });
    expect(publisher.record(usage())).toMatchObject({ accepted: false, error: { code: 'closed' } });

    const sink = reliable();
    const second = setUp(sink).publisher;
    for (const { usage: again } of undelivered) if (again !== undefined) second.record(again);
    await second.close();
    expect(sink.delivered).toEqual(undelivered.map((one) => one.usage));
  });

  it('gives up an attempt that never ends, and does not count its late outcome', async () => {
    let answer = (): void => undefined;
    const sink = new ScriptedSink(() => new Promise((resolve) => (answer = () => resolve(DELIVERED))));
    const { publisher } = setUp(sink);
    publisher.record(usage({ event_id: 'slow' }));
    const { undelivered } = await publisher.close({ timeoutMs: 30 });
    answer();
    await new Promise((resolve) => setImmediate(resolve));
    expect(undelivered).toHaveLength(1);
    expect(publisher.stats()).toMatchObject({ acknowledged: 0, undelivered: 1, buffered: 0 });
  });

  it('may be called twice, and lets everybody go who waits for room', async () => {
    const sink = reliable();
    const { publisher } = setUp(sink);
    publisher.record(usage());
    const [first, second] = await Promise.all([publisher.close(), publisher.close()]);
    expect(first).toBe(second);
    expect(sink.ids).toHaveLength(1);
    await publisher.ready();
    await publisher.flush();
  });
});

it('lets go of the connection when nothing was recorded for a while', async () => {
  const sink = reliable();
  const { publisher } = setUp(sink, { idleDisconnectMs: 100 });
  publisher.record(usage());
  await publisher.flush();
  for (let wait = 0; sink.rests === 0 && wait < 400; wait += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(sink.rests).toBe(1);
  publisher.record(usage());
  await publisher.flush();
  expect(sink.delivered).toHaveLength(2);
  await publisher.close();
});

it('names every fault of its options at once', () => {
  expect(() => setUp(reliable(), { source: '', lingerMs: -1, maxBatchBytes: 1 })).toThrow(
    'source is not 1 to 256 bytes long; lingerMs is not 0 to 60000; maxBatchBytes is not 1024 to 1048576',
  );
});

it('warns once per code and minute when nobody listens for errors', async () => {
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  let now = Date.now();
  const publisher = new BufferedPublisher({ source: 'a-tool' }, reliable(), () => now);
  for (let round = 0; round < 5; round += 1) publisher.record(usage({ user_id: '' }));
  publisher.record(usage({ user_id: 'jane@example.com' }));
  now += 60_000;
  publisher.record(usage({ user_id: '' }));
  await publisher.close();
  const codes = warn.mock.calls.map(([, options]) => (options as { code: string }).code);
  warn.mockRestore();
  expect(codes).toEqual(['invalid_id', 'user_id_is_email', 'invalid_id']);
});
