import fc from 'fast-check';
import { drawRuns } from './identities.js';
import { newFinding } from './finding.js';
import { outcomesOf } from './keep.js';
import { spansOf } from './ledger.js';
import { toText } from './report.js';

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

describe('a report for a person', () => {
  it('shows what events say of themselves without letting it steer the terminal', () => {
    const at = 'event x\u001b[2J\nconflicts: HEALED';
    const finding = newFinding({
      check: 'conflicts',
      code: 'identity_conflict',
      at,
      message: `of ${at}`,
      asOf: at,
      healable: true,
    });
    const result = { compared: 'all', counts: {}, asOf: at, findings: [finding], notes: [at] };
    const checks = [{ name: 'conflicts' as const, tookMs: 1, heal: false, result }];
    const text = toText({ beganAt: '', endedAt: '', checks, information: undefined }, 10);
    expect(text).not.toContain('\u001b');
    expect(text).toContain('event x\\u{1b}[2J\\u{a}conflicts: HEALED');
  });
});

describe('what is kept of an audit', () => {
  const found = (code: 'figures_differ' | 'closing_late', healed: boolean) => ({
    ...newFinding({
      check: 'buckets',
      code,
      severity: code === 'closing_late' ? 'warning' : 'error',
      at: 'u-1',
      message: 'of u-1',
      asOf: '',
      healable: true,
    }),
    healed,
  });
  const outcomes = (since: number) => {
    const findings = [found('figures_differ', true), found('closing_late', false), found('figures_differ', false)];
    const result = { compared: '3 buckets of 1 day', counts: {}, asOf: '', findings, notes: ['of u-1'] };
    const checks = [
      { name: 'buckets' as const, tookMs: 1, heal: true, result },
      { name: 'holders' as const, tookMs: 1, heal: true, result: { ...result, findings: [], incomplete: 'away' } },
    ];
    const report = { beganAt: '', endedAt: '2026-05-14T03:00:41.000Z', checks, information: undefined };
    return outcomesOf(report, since);
  };

  it('is how much each check found, by code, and how much of it was healed, but not where', () => {
    const all = { endedAtMs: Date.UTC(2026, 4, 14, 3, 0, 41), firstDay: null, compared: '3 buckets of 1 day' };
    expect(outcomes(0)).toEqual([
      {
        ...all,
        check: 'buckets',
        finished: true,
        findings: [
          { code: 'figures_differ', severity: 'error', found: 2, healed: 1 },
          { code: 'closing_late', severity: 'warning', found: 1, healed: 0 },
        ],
      },
      { ...all, check: 'holders', finished: false, findings: [] },
    ]);
  });

  it('says from which day on it compared, of the checks that go by days', () => {
    const day = 20_000;
    expect(outcomes(day * 86_400).map(({ check, firstDay }) => [check, firstDay])).toEqual([
      ['buckets', day],
      ['holders', null],
    ]);
  });
});
