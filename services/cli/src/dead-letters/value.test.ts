import { noTokens, usageRecorded, type UsageRecorded } from '@laurel/events';
import { brief, harmless, harmlessLines } from '../terminal.js';
import { keyText } from './text.js';
import { hexDump, indented, readValue } from './value.js';

const event: UsageRecorded = {
  event_id: 'e-1',
  source: 'test',
  revision: 0,
  retracted: false,
  occurred_at: 0,
  user_id: 'u-ada',
  team: null,
  session_id: null,
  provider: 'anthropic',
  model: 'claude-sonnet-4-6',
  tokens: { ...noTokens, input: -5 },
  cost_micro_usd: null,
  status: 'ok',
  origin: 'main',
  attributes: {},
};

describe('a value that is shown', () => {
  const read = (value: Uint8Array | string | null) =>
    readValue(typeof value === 'string' ? Buffer.from(value) : value, undefined);

  it('is decoded from Avro also when the event is not valid', async () => {
    expect(await read(usageRecorded.encode(event))).toMatchObject({ form: 'avro', value: { tokens: { input: -5 } } });
  });

  it('stays bytes, with the reason, where it can not be decoded', async () => {
    for (const [value, note] of [
      [usageRecorded.encode(event).subarray(0, 30), /not exactly one value/],
      [Buffer.of(0xc3, 1, 2), /cut short/],
      [Buffer.of(0xc3, 1, ...Buffer.alloc(20, 7)), /fingerprint 0707/],
      [Buffer.of(0, 0, 0, 0, 9, 1), /schema id 9; LAUREL_SCHEMA_REGISTRY_URL is not set/],
      [Buffer.of(0, 1), /cut short/],
      [Buffer.of(0xff, 0xfe), /neither/],
    ] as const)
      expect(await read(value)).toMatchObject({ form: 'bytes', note: expect.stringMatching(note) as string });
  });

  it('tells none, empty, text and JSON apart', async () => {
    expect(await read(null)).toEqual({ form: 'none' });
    expect(await read('')).toEqual({ form: 'text', text: '' });
    expect(await read('{"half":')).toEqual({ form: 'text', text: '{"half":' });
    expect(await read('[1]')).toMatchObject({ form: 'json', value: [1] });
  });

  it('is left as it was written where it is too deep to be read', async () => {
    const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    expect(await read(deep(100))).toMatchObject({ form: 'json' });
    expect(await read(deep(200_000))).toEqual({ form: 'text', text: deep(200_000) });
  });

  it('has new indents in JSON, and every number as it was written', () => {
    const json = '{"a":9007199254740993,"b":[1.10,{"c":"x\\"}{,:"}],"a":1e400,"d":{ },"e":[\n]}';
    expect(indented(json)).toBe(`{
  "a": 9007199254740993,
  "b": [
    1.10,
    {
      "c": "x\\"}{,:"
    }
  ],
  "a": 1e400,
  "d": {},
  "e": []
}`);
    const long = JSON.stringify({ text: '\\"é'.repeat(700_000) });
    expect(JSON.parse(indented(long) ?? '')).toEqual(JSON.parse(long));
  });

  it('is dumped as hexdump -C does', () => {
    expect(hexDump(Buffer.from('0123456789abcdef\u0001ö'))).toBe(
      [
        '00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|',
        `00000010  01 c3 b6                 ${' '.repeat(24)} |...|`,
      ].join('\n'),
    );
  });
});

describe('what came with a record', () => {
  it('can not steer the terminal that shows it', () => {
    expect(harmless('a\u001b[2Jb\r\n\u009b1m\u202e')).toBe('a\\u{1b}[2Jb\\u{d}\\u{a}\\u{9b}1m\\u{202e}');
    expect(harmlessLines('a\n\u001b')).toBe('a\n\\u{1b}');
    expect(brief('\u001b'.repeat(3), 8)).toHaveLength(8);
    expect(harmless('Zoë 日本')).toBe('Zoë 日本');
  });

  it('is shown in hex where a key is no text', () => {
    expect([keyText(Buffer.of(0xff, 1)), keyText(Buffer.from('ü')), keyText(null)]).toEqual(['0xff01', 'ü', null]);
  });
});
