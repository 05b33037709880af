import { FetchTurns } from './fetch-turns.js';

const request = (topics: Readonly<Record<string, readonly number[]>>) => ({
  maxBytes: 1,
  topics: Object.entries(topics).map(([topic, partitions]) => ({
    topic,
    partitions: partitions.map((partition) => ({ partition, fetchOffset: '0' })),
  })),
});
const order = ({ topics }: ReturnType<typeof request>): readonly string[] =>
  topics.flatMap(({ topic, partitions }) => partitions.map(({ partition }) => `${topic}/${partition}`));
const answer = (topicName: string, withRecords: readonly number[], without: readonly number[] = []) => ({
  responses: [
    {
      topicName,
      partitions: [...withRecords, ...without].map((partition) => ({
        partition,
        messages: withRecords.includes(partition) ? [{}] : [],
      })),
    },
  ],
});
type Answer = Parameters<FetchTurns['note']>[0];

it('asks in the given order at first, and keeps what else is in the request', () => {
  const asked = request({ a: [0, 1, 2] });
  expect(new FetchTurns().inTurn(asked)).toEqual(asked);
});

it('asks first for partitions that were answered longest ago', () => {
  const turns = new FetchTurns();
  turns.note(answer('a', [0, 1], [2, 3]) as unknown as Answer);
  expect(order(turns.inTurn(request({ a: [0, 1, 2, 3] })))).toEqual(['a/2', 'a/3', 'a/0', 'a/1']);
  turns.note(answer('a', [2], [3]) as unknown as Answer);
  expect(order(turns.inTurn(request({ a: [0, 1, 2, 3] })))).toEqual(['a/3', 'a/0', 'a/1', 'a/2']);
});

it('lets no topic wait behind another one that always has records', () => {
  const turns = new FetchTurns();
  turns.note(answer('a', [0, 1]) as unknown as Answer);
  expect(order(turns.inTurn(request({ a: [0, 1], b: [0] })))).toEqual(['b/0', 'a/0', 'a/1']);
});
