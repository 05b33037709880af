import fc from 'fast-check';
import type { DayFigures, Figures } from '@laurel/clickhouse';
import { drawRuns } from './identities.js';
import { spansOf } from './ledger.js';
import { differences, suspectsOf } from './suspects.js';

const DAY = Date.UTC(2026, 4, 14) / 1000;
const figures = (events: number, who = '7'): Figures => [String(events), ...Array<string>(8).fill('0'), who, '0', '0'];
const ofDay = (events: number): Figures => figures(events).slice(0, 10);

describe('suspectsOf', () => {
  const hour = DAY + 3600;
  const sound: DayFigures = {
    identities: 3,
    log: new Map([[`hour ${hour}`, figures(3)]]),
    rolls: new Map([
      [`hour ${hour}`, { rollId: '5', figures: figures(3) }],
      [`day_user ${DAY}`, { rollId: '6', figures: ofDay(3) }],
      [`day_model ${DAY}`, { rollId: '6', figures: ofDay(3) }],
    ]),
    hours: new Map([
      [`day_user ${DAY}`, ofDay(3)],
      [`day_model ${DAY}`, ofDay(3)],
    ]),
    heads: new Map([
      [`hour ${hour}`, '5'],
      [`day ${DAY}`, '6'],
    ]),
  };
  const closed = { hour: DAY + 86_400, day: DAY + 86_400 };
  const found = (change: Partial<DayFigures>): unknown[] =>
    suspectsOf({ ...sound, ...change }, DAY, closed).map(({ code, of, bucket, head }) => [code, of, bucket, head]);
  const without = <T>(map: ReadonlyMap<string, T>, key: string): Map<string, T> =>
    new Map([...map].filter(([one]) => one !== key));

  it('suspects nothing where all figures agree', () => {
    expect(found({})).toEqual([]);
  });

  it('tells a missing head, a missing roll and other figures apart', () => {
    expect(found({ heads: without(sound.heads, `hour ${hour}`) })).toEqual([['head_missing', 'hour', hour, undefined]]);
    expect(found({ rolls: without(sound.rolls, `hour ${hour}`) })).toEqual([['roll_missing', 'hour', hour, '5']]);
    const wrong = new Map(sound.rolls).set(`hour ${hour}`, { rollId: '5', figures: figures(3, '8') });
    expect(found({ rolls: wrong })).toEqual([['figures_differ', 'hour', hour, '5']]);
    expect(found({ log: new Map() })).toEqual([['figures_differ', 'hour', hour, '5']]);
  });

  it('judges each table of a day, with one head, and only when its hours are right', () => {
    const wrong = new Map(sound.rolls).set(`day_model ${DAY}`, { rollId: '6', figures: ofDay(4) });
    expect(found({ rolls: wrong })).toEqual([['figures_differ', 'day_model', DAY, '6']]);
    expect(found({ heads: without(sound.heads, `day ${DAY}`) })).toEqual([
      ['head_missing', 'day_user', DAY, undefined],
    ]);
    expect(found({ rolls: wrong, log: new Map() })).toHaveLength(1);
    expect(suspectsOf({ ...sound, rolls: wrong }, DAY, { ...closed, day: DAY })).toEqual([]);
  });

  it('says which figures differ', () => {
    const [one] = suspectsOf({ ...sound, log: new Map([[`hour ${hour}`, figures(4, '8')]]) }, DAY, closed);
    if (one === undefined) throw new Error('nothing found');
    expect(differences(one)).toBe('events 3 instead of 4, whose they are');
  });
});

describe('spansOf', () => {
  it('keeps every hole once, in order, and reads those together that are near', () => {
    const holes = [0, 10, 4000, 90_000, 90_002].map((from) => ({ from, to: from + 1 }));
    const spans = spansOf(holes);
    expect(spans.flat()).toEqual(holes);
    expect(spans.map(({ length }) => length)).toEqual([3, 2]);
  });

  it('leaves a large hole alone', () => {
    const large = { from: 10, to: 5_000_000 };
    expect(spansOf([{ from: 0, to: 1 }, large, { from: 5_000_010, to: 5_000_011 }])).toEqual([
      [{ from: 0, to: 1 }],
      [large],
      [{ from: 5_000_010, to: 5_000_011 }],
    ]);
  });
});

describe('drawRuns', () => {
  const ranges = fc
    .array(fc.tuple(fc.nat(1000), fc.integer({ min: 1, max: 500 })), { minLength: 1, maxLength: 6 })
    .map((all) => all.map(([from, length], partition) => ({ partition, from, end: from + length })));

  it('takes everything where that is no more than the sample', () => {
    const all = [{ partition: 0, from: 5, end: 30 }];
    expect(drawRuns(all, 25, () => 0)).toBe(all);
    expect(drawRuns(all, 24, () => 0)).not.toBe(all);
  });

  it('draws runs within the ranges, none of which overlap', () => {
    fc.assert(
      fc.property(
        ranges,
        fc.nat(200),
        fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
        (all, sample, draws) => {
          const runs = drawRuns(all, sample, () => Number(draws.next().value));
          const drawn = runs.flatMap(({ partition, from, end }) =>
            Array.from({ length: end - from }, (_, at) => `${partition}/${from + at}`),
          );
          expect(new Set(drawn).size).toBe(drawn.length);
          for (const run of runs) {
            const range = all.find(({ partition }) => partition === run.partition);
            expect(run.from).toBeGreaterThanOrEqual(range?.from ?? Infinity);
            expect(run.end).toBeLessThanOrEqual(range?.end ?? -1);
            expect(run.end).toBeGreaterThan(run.from);
          }
        },
      ),
    );
  });

  it('can draw every record', () => {
    const all = [
      { partition: 0, from: 7, end: 50 },
      { partition: 1, from: 0, end: 3 },
    ];
    const seen = new Set<string>();
    for (let step = 0; step < 46; step += 1) {
      for (const { partition, from, end } of drawRuns(all, 20, () => step / 46))
        for (let at = from; at < end; at += 1) seen.add(`${partition}/${at}`);
    }
    expect(seen.size).toBe(46);
  });
});
