import { gunzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import { TRACE_FILE } from '../files.js';
import { readTrace } from './trace-file.js';
import { deriveTrace, parseTrace, type TraceRequest } from './trace.js';

/** Requests a second apart, of full blocks unless a length is given. */
const requests = (...prompts: (readonly number[])[]): TraceRequest[] =>
  prompts.map((blockIds, index) => ({
    timestampMs: index * 1_000,
    inputTokens: 512 * blockIds.length,
    outputTokens: 10,
    blockIds,
  }));

const reads = (...prompts: (readonly number[])[]): number[] =>
  deriveTrace(requests(...prompts)).map((request) => request.cacheReadTokens / 512);
const sessions = (...prompts: (readonly number[])[]): number[] =>
  deriveTrace(requests(...prompts)).map((request) => request.session);

describe('cache reads', () => {
  it('are the leading blocks that one earlier request had in the same order', () => {
    expect(reads([0, 1, 2], [0, 1, 3], [0, 1, 3, 4], [0, 1, 3, 4, 5])).toEqual([0, 2, 3, 4]);
  });

  it('do not take a block for read that was seen after another prefix', () => {
    expect(reads([0, 1, 2], [3, 1, 2], [0, 2])).toEqual([0, 0, 1]);
  });

  it('do not join the prefixes of two requests', () => {
    expect(reads([0, 1], [5, 1, 2], [0, 1, 2])).toEqual([0, 0, 2]);
  });

  it('are at most the input, and the rest of it is a cache write', () => {
    const [, second] = deriveTrace([...requests([0, 1]), { ...requests([0, 1])[0], inputTokens: 600 } as TraceRequest]);
    expect(second).toMatchObject({ cacheReadTokens: 600, cacheWriteTokens: 0 });
    const [, third] = deriveTrace(requests([0, 1], [0, 7, 8]));
    expect(third).toMatchObject({ cacheReadTokens: 512, cacheWriteTokens: 1024 });
  });
});

describe('sessions', () => {
  it('go on where a prompt extends an earlier one without its last block', () => {
    expect(sessions([0, 1, 2], [0, 1, 9, 10], [0, 1, 9, 11])).toEqual([0, 0, 0]);
  });

  it('are not made by a single common block', () => {
    expect(sessions([0, 1], [0, 2], [0, 1])).toEqual([0, 1, 2]);
  });

  it('need all of the earlier ids but the last', () => {
    expect(sessions([0, 1, 2, 3, 4], [0, 1, 2, 9])).toEqual([0, 1]);
  });

  it('take the longest match, and the latest of equals', () => {
    expect(sessions([0, 1, 2, 3, 4], [0, 1, 9], [0, 1, 2, 3, 5], [0, 1, 7, 7])).toEqual([0, 1, 0, 1]);
  });
});

describe('the recording', () => {
  it('agrees with what is published about it', async () => {
    const derived = deriveTrace(await readTrace());
    const sum = (count: (request: (typeof derived)[number]) => number): number =>
      derived.reduce((all, request) => all + count(request), 0);
    const input = sum((request) => request.cacheReadTokens + request.cacheWriteTokens);
    expect(derived).toHaveLength(12_031);
    expect(input / 1e6).toBeCloseTo(144.8, 1);
    expect(sum((request) => request.cacheReadTokens) / input).toBeCloseTo(0.374, 3);
    expect(new Set(derived.map((request) => request.session)).size).toBe(8_057);
  });

  it('has a longest session of 33 active minutes', async () => {
    const minutes = new Map<number, Set<number>>();
    for (const { session, timestampMs } of deriveTrace(await readTrace())) {
      const active = minutes.get(session) ?? new Set();
      minutes.set(session, active.add(Math.floor(timestampMs / 60_000)));
    }
    expect(Math.max(...[...minutes.values()].map((active) => active.size))).toBe(33);
  });

  it('is read whole', async () => {
    const text = gunzipSync(readFileSync(TRACE_FILE)).toString();
    expect(await readTrace()).toHaveLength(text.split('\n').filter(Boolean).length);
  });

  it('is refused when a line is of another shape', () => {
    const line = '{"timestamp":0,"input_length":5,"output_length":1,"hash_ids":[0]}';
    expect(parseTrace(`${line}\n${line}`)).toHaveLength(2);
    expect(() => parseTrace(`${line}\n{"timestamp":0,"input_length":5,"hash_ids":[0]}`)).toThrow('line 2');
    expect(() => parseTrace(line.replace('[0]', '["0"]'))).toThrow('line 1');
    expect(() => parseTrace(line.replace(':5', ':0.5'))).toThrow('line 1');
  });
});
