import fc from 'fast-check';
import { tokenFields } from '@laurel/events';
import { compareUtf8 } from '@laurel/titles';
import { Board, type Place } from './board.js';

interface Person {
  readonly userId: string;
  readonly value: bigint;
}

/** As ClickHouse would send it; see `boardColumns`. */
function boardOf(people: readonly Person[]): Board {
  const sorted = [...people].sort((a, b) =>
    a.value === b.value ? compareUtf8(a.userId, b.userId) : a.value > b.value ? -1 : 1,
  );
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value);
    return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  };
  const number = (value: bigint): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(value);
    return bytes;
  };
  const rows = sorted.map(({ userId, value }) => {
    const rank = BigInt(1 + sorted.filter((other) => other.value > value).length);
    const figures = tokenFields.map(() => number(0n));
    return Buffer.concat([
      text(userId),
      Buffer.from([0]),
      number(rank),
      number(0n),
      number(value),
      number(0n),
      number(0n),
      ...figures,
      number(0n),
      Buffer.alloc(2 * 16),
    ]);
  });
  return new Board(Buffer.concat(rows));
}

const person = fc.record({
  userId: fc.string({ minLength: 1, maxLength: 4, unit: 'grapheme' }),
  value: fc.bigInt({ min: 0n, max: 5n }),
});
const people = fc.uniqueArray(person, { selector: ({ userId }) => userId, maxLength: 25 });

/** All pages, one after the other, of boards that may be others each time. */
function pagesOf(boards: readonly Board[], limit: number, isShown: (userId: string) => boolean): string[] {
  const seen: string[] = [];
  let after: Place | undefined;
  for (let page = 0; ; page += 1) {
    const board = boards[Math.min(page, boards.length - 1)];
    if (board === undefined) throw new Error('there is one');
    const { entries, last } = board.page(limit, isShown, after);
    expect(entries.length).toBeLessThanOrEqual(limit);
    seen.push(...entries.map(({ userId }) => userId));
    if (last === undefined) return seen;
    after = last;
  }
}

describe('the pages of a board', () => {
  it('are the board, whatever their length and whoever is hidden', () => {
    fc.assert(
      fc.property(people, fc.integer({ min: 1, max: 7 }), fc.func(fc.boolean()), (all, limit, shown) => {
        const board = boardOf(all);
        const isShown = (userId: string): boolean => shown(userId);
        expect(pagesOf([board], limit, isShown)).toEqual([...board.all(isShown)].map(({ userId }) => userId));
      }),
    );
  });

  it('have everybody once whose figures stay, whatever becomes of others meanwhile', () => {
    fc.assert(
      fc.property(people, people, fc.integer({ min: 1, max: 5 }), (staying, others, limit) => {
        const isStaying = ({ userId }: Person): boolean => staying.some((one) => one.userId === userId);
        const coming = others.filter((one) => !isStaying(one));
        const boards = [staying, [...staying, ...coming], [...staying, ...coming.slice(0, 2)]].map(boardOf);
        const seen = pagesOf(boards, limit, () => true).filter((userId) =>
          staying.some((one) => one.userId === userId),
        );
        expect(seen).toEqual([...boardOf(staying).all(() => true)].map(({ userId }) => userId));
      }),
    );
  });
});
