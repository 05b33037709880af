import type { DayFigures, Figures } from './day-figures.js';
import { differences, suspectsOf } from './suspects.js';

const DAY = Date.UTC(2026, 4, 14) / 1000;
const figures = (events: number, who = '7'): Figures => [String(events), ...Array<string>(11).fill('0'), who, '0', '0'];
const ofDay = (events: number): Figures => figures(events).slice(0, 13);
const attended = (minutes: number): Figures => [...figures(0).slice(0, 14), String(minutes)];

describe('suspectsOf', () => {
  const hour = DAY + 3600;
  const sound: DayFigures = {
    identities: 3,
    log: new Map([[`hour ${hour}`, figures(3)]]),
    rolls: new Map([
      [`hour ${hour}`, { rollId: '5', figures: figures(3) }],
      [`day_user ${DAY}`, { rollId: '6', figures: ofDay(3) }],
      [`day_model ${DAY}`, { rollId: '6', figures: ofDay(3) }],
      [`day_attendance ${DAY}`, { rollId: '6', figures: attended(3) }],
    ]),
    hours: new Map([
      [`day_user ${DAY}`, ofDay(3)],
      [`day_model ${DAY}`, ofDay(3)],
      [`day_attendance ${DAY}`, attended(3)],
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
    const absent = new Map(sound.rolls).set(`day_attendance ${DAY}`, { rollId: '6', figures: attended(2) });
    expect(found({ rolls: absent })).toEqual([['figures_differ', 'day_attendance', DAY, '6']]);
    expect(found({ heads: without(sound.heads, `day ${DAY}`) })).toEqual([
      ['head_missing', 'day_user', DAY, undefined],
    ]);
    expect(found({ rolls: wrong, log: new Map() })).toHaveLength(1);
    expect(suspectsOf({ ...sound, rolls: wrong }, DAY, { ...closed, day: DAY })).toEqual([]);
  });

  it('judges a day’s outcomes by a head of their own, whatever its usage is', () => {
    const three: Figures = ['3', '12', '7'];
    const outcomes = (changes: Partial<DayFigures>) =>
      found({
        log: new Map([...sound.log, [`outcomes ${DAY}`, three]]),
        rolls: new Map([...sound.rolls, [`outcomes ${DAY}`, { rollId: '9', figures: three }]]),
        heads: new Map([...sound.heads, [`outcome_day ${DAY}`, '9']]),
        ...changes,
      });
    expect(outcomes({})).toEqual([]);
    expect(outcomes({ heads: sound.heads })).toEqual([['head_missing', 'outcomes', DAY, undefined]]);
    expect(outcomes({ rolls: sound.rolls })).toEqual([['roll_missing', 'outcomes', DAY, '9']]);
    expect(outcomes({ log: sound.log })).toEqual([['figures_differ', 'outcomes', DAY, '9']]);
    const [one] = suspectsOf({ ...sound, log: new Map([[`outcomes ${DAY}`, three]]) }, DAY, { hour: 0, day: 0 }).filter(
      ({ of }) => of === 'outcomes',
    );
    expect(one && differences(one)).toBe('outcomes 0 instead of 3, quantity 0 instead of 12, whose they are');
  });

  it('says which figures differ', () => {
    const [one] = suspectsOf({ ...sound, log: new Map([[`hour ${hour}`, figures(4, '8')]]) }, DAY, closed);
    if (one === undefined) throw new Error('nothing found');
    expect(differences(one)).toBe('events 3 instead of 4, whose they are');
  });
});
