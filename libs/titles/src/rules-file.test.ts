import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { builtInRules } from './built-in-rules.js';
import { readRulesFile, titlesJsonSchema, type RulesFileFault } from './rules-file.js';

const faultsOf = (text: string): readonly RulesFileFault[] => {
  const read = readRulesFile(text);
  return read.ok ? [] : read.faults;
};
const places = (text: string): unknown[] =>
  faultsOf(text).map(({ line, column, rule, field, message }) => [`${line}:${column}`, rule, field, message]);

const VALID = `titles:
  - id: night_owl
    name: Night Owl
    description: Most days of use.
    version: 1
    metric: { kind: active_days }
`;

describe('a rules file', () => {
  it('is read with every default filled in', () => {
    expect(readRulesFile(VALID)).toEqual({
      ok: true,
      rules: [
        {
          id: 'night_owl',
          name: 'Night Owl',
          description: 'Most days of use.',
          version: 1,
          metric: { kind: 'active_days' },
          window: '30d',
          scope: 'company',
          eligibility: { min_tokens: 0, min_active_days: 0, min_sessions: 0, min_list_cost_usd: 0, min_tenure_days: 0 },
          holders: 1,
          margin: { kind: 'relative', by: 0.02 },
          dwell_hours: 0,
        },
      ],
    });
  });

  it('gives back the built-in rules as they are, in YAML and in JSON', () => {
    const read = { ok: true, rules: builtInRules };
    expect(readRulesFile(stringify({ titles: builtInRules }))).toEqual(read);
    expect(readRulesFile(JSON.stringify({ titles: builtInRules }))).toEqual(read);
  });

  it('may have no titles at all, but has to say so', () => {
    expect(readRulesFile('titles: []')).toEqual({ ok: true, rules: [] });
    expect(places('')).toEqual([['1:1', null, '', expect.any(String)]]);
    expect(places('{}')).toEqual([['1:1', null, '', 'is required']]);
  });

  it('says of every fault where it is and in which rule, in the order of the lines', () => {
    const text = `titles:
  - id: first
    name: First
    description: x
    version: 0
    metric:
      kind: capped_tokens
      daily_cap: many
    windw: 7d
  - id: second
    name: Second
    description: x
    version: 1
    metric: { kind: lines_of_code }
    eligibility:
      min_token: 5
  - name: Third
    description: x
    version: 1
    metric: { kind: active_days }
    margin: { kind: remainder, by: 0.1 }
`;
    expect(places(text)).toEqual([
      ['5:5', 'first', 'version', expect.stringContaining('>=1')],
      ['8:7', 'first', 'metric.daily_cap', expect.stringContaining('expected number')],
      ['9:5', 'first', 'windw', 'is not known here'],
      ['14:15', 'second', 'metric.kind', expect.any(String)],
      ['16:7', 'second', 'eligibility.min_token', 'is not known here'],
      ['17:5', null, 'id', 'is required'],
    ]);
  });

  it('says which tier is not above the one below it, or for fewer people', () => {
    const withTiers = (tiers: string) => places(`${VALID}    tiers: ${tiers}\n`).map((one) => (one as unknown[])[2]);
    const last = (tiers: string) => (places(`${VALID}    tiers: ${tiers}\n`)[0] as unknown[])[3];
    expect(withTiers('{ by: value, levels: { gold: 20, bronze: 5, silver: 20 } }')).toEqual(['tiers.levels.gold']);
    expect(last('{ by: value, levels: { gold: 20, silver: 20 } }')).toBe('is not above silver');
    expect(last('{ by: top_per_mille, levels: { bronze: 100, emerald: 500 } }')).toBe('is not below bronze');
    expect(last('{ by: value, levels: {} }')).toBe('has no tier');
    expect(withTiers('{ by: value, levels: { brass: 1, gold: 2 } }')).toEqual(['tiers.levels.brass']);
    expect(withTiers('{ by: value, levels: { gold: 5 }, margin: { kind: remainder, by: 0.1 } }')).toEqual([
      'tiers.margin.kind',
    ]);
    expect(withTiers('{ by: value, levels: { gold: 5 }, margin: { kind: relative, by: 0 } }')).toEqual([
      'tiers.margin.by',
    ]);
    expect(withTiers('{ by: top_per_mille, levels: { silver: 100, gold: 10 } }')).toEqual([]);
  });

  it('says which of two rules of one id is the second', () => {
    const twice = `${VALID}${VALID.replace('titles:\n', '')}`;
    expect(places(twice)).toEqual([['7:5', 'night_owl', 'id', 'night_owl is already the id of rule 1']]);
  });

  it.each([
    ['a tab for indentation', 'titles:\n\t- id: x', 2],
    ['a key twice', 'titles: []\ntitles: []', 2],
    ['a list that does not end', 'titles: [', 1],
  ])('that is not YAML (%s) is refused with its line', (_, text, line) => {
    expect(faultsOf(text)[0]).toMatchObject({ code: 'malformed_yaml', line });
  });

  it('can not be blown up by aliases', () => {
    const levels = Array.from(
      { length: 9 },
      (_, level) =>
        `l${level}: &l${level} [${Array(9)
          .fill(level === 0 ? 'x' : `*l${level - 1}`)
          .join(', ')}]`,
    );
    expect(faultsOf(`${levels.join('\n')}\ntitles: *l8`)[0]).toMatchObject({ code: 'malformed_yaml' });
  });

  it('never fails otherwise than by saying what is wrong', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.jsonValue().map((value) => stringify({ titles: [value] })),
        ),
        (text) => {
          const read = readRulesFile(text);
          if (!read.ok) expect(read.faults.length).toBeGreaterThan(0);
        },
      ),
    );
  });
});

describe('the JSON Schema of a rules file', () => {
  const published: unknown = JSON.parse(
    readFileSync(new URL('../../../schemas/json/titles.schema.json', import.meta.url), 'utf8'),
  );
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  (formats as unknown as (to: Ajv2020) => void)(ajv);
  const validate = ajv.compile(titlesJsonSchema());

  it('is published as the checks are: else run node libs/titles/write-schema.mjs', () => {
    expect(published).toEqual(JSON.parse(JSON.stringify(titlesJsonSchema())));
  });

  it('takes what is valid and refuses what a schema can refuse', () => {
    const withRule = (fields: object): object => ({
      titles: [{ id: 'a', name: 'A', description: 'x', version: 1, metric: { kind: 'active_days' }, ...fields }],
    });
    expect(validate({ titles: builtInRules })).toBe(true);
    for (const [fields, valid] of [
      [{}, true],
      [{ window: '366d' }, true],
      [{ window: 'month', valid_until: '2026-12-31' }, true],
      [{ window: '367d' }, false],
      [{ windw: '7d' }, false],
      [{ metric: { kind: 'capped_tokens', daily_cap: 0 } }, false],
      [{ metric: { kind: 'effective_models', daily_cap: 5 } }, false],
      [{ holders: 101 }, false],
      [{ tiers: { by: 'value', levels: { bronze: 0.5, emerald: 9 } } }, true],
      [{ tiers: { by: 'value', levels: { bronze: 0 } } }, false],
      [{ tiers: { by: 'top_per_mille', levels: { bronze: 0.5 } } }, false],
      [{ tiers: { by: 'rank', levels: { bronze: 1 } } }, false],
    ] as const) {
      expect([fields, validate(withRule(fields))]).toEqual([fields, valid]);
      expect([fields, readRulesFile(JSON.stringify(withRule(fields))).ok]).toEqual([fields, valid]);
    }
  });
});
