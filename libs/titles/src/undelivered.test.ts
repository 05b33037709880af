import { awardEvent, undelivered, type AwardEvent, type Undelivered } from '@laurel/events';
import {
  deliveryKey,
  readRedeliveryWish,
  redeliveryWish,
  UndeliveredFold,
  type UndeliveredRecord,
} from './undelivered.js';

const award: AwardEvent = {
  award_id: 'a-1',
  ordinal: 0,
  type: 'title_awarded',
  title_id: 'token_legend',
  rule_version: 1,
  scope: 'company',
  user_id: 'u-1',
  rank: 1,
  tier: null,
  remaining_tier: null,
  value: 1000,
  unit: 'tokens',
  runner_up: null,
  window_start: 0,
  window_end: 1,
  evaluated_at: 1,
  previous_holder: null,
  revokes: null,
  reason: 'vacant',
  evidence: {},
};

const letter = (fields: Partial<Undelivered> = {}): Undelivered => ({
  endpoint: 'chat',
  code: 'refused',
  status: 400,
  message: '',
  attempts: 1,
  given_up_at: 1,
  source_topic: 'titles.awards.v1',
  source_offset: 7,
  award_offset: 7,
  award: awardEvent.encode(award),
  ...fields,
});

const asRead = (record: {
  readonly key: string;
  readonly value: Uint8Array | null;
  readonly headers?: Readonly<Record<string, string | Uint8Array>>;
}): UndeliveredRecord => ({
  key: Buffer.from(record.key),
  value: record.value,
  headers: Object.fromEntries(
    Object.entries(record.headers ?? {}).map(([name, value]) => [
      name,
      typeof value === 'string' ? Buffer.from(value) : value,
    ]),
  ),
});

const written = (one: Undelivered): UndeliveredRecord =>
  asRead({
    key: deliveryKey(one.endpoint, { topic: one.source_topic, offset: one.source_offset }),
    value: undelivered.encode(one),
  });
const asked = (one: Undelivered): UndeliveredRecord => asRead(redeliveryWish(one));

function folded(...records: readonly UndeliveredRecord[]): UndeliveredFold {
  const fold = new UndeliveredFold();
  for (const record of records) fold.take(record);
  return fold;
}

describe('undelivered awards', () => {
  it('are each one letter, also when a crash has one written again', () => {
    const open = folded(
      written(letter()),
      written(letter({ attempts: 2 })),
      written(letter({ endpoint: 'wall' })),
    ).open();
    expect(open.map(({ endpoint, attempts }) => [endpoint, attempts])).toEqual([
      ['chat', 2],
      ['wall', 1],
    ]);
  });

  it('are open until they are asked for again, and open anew when that fails too', () => {
    const first = letter();
    expect(folded(written(first), asked(first)).open()).toEqual([]);
    const again = letter({ source_topic: 'titles.undelivered.v1', source_offset: 1 });
    expect(folded(written(first), asked(first), written(again)).open()).toHaveLength(1);
  });

  it('stay given up after they were asked for, so that their first delivery is not begun again', () => {
    const fold = folded(written(letter()), asked(letter()));
    expect(fold.has(deliveryKey('chat', { topic: 'titles.awards.v1', offset: 7 }))).toBe(true);
    expect(fold.has(deliveryKey('wall', { topic: 'titles.awards.v1', offset: 7 }))).toBe(false);
  });

  it('are asked for with all that their delivery needs', () => {
    const wish = readRedeliveryWish(asked(letter({ endpoint: 'wall', award_offset: 2 ** 53 - 2 })));
    expect(wish).toMatchObject({ endpoint: 'wall', awardOffset: 2 ** 53 - 2 });
    expect(awardEvent.decode(wish?.award ?? new Uint8Array())).toMatchObject({ award_id: 'a-1' });
  });

  it('are not asked for by letters, nor by records without a value that name no award', () => {
    expect(readRedeliveryWish(written(letter()))).toBeUndefined();
    expect(readRedeliveryWish(asRead({ key: 'chat/titles.awards.v1/7', value: null }))).toBeUndefined();
  });
});
