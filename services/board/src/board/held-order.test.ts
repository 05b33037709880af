import fc from 'fast-check';
import type { BoardEntry } from '../api/answers.js';
import { inHeldOrder, movedSince } from './held-order.js';

const entry = (user_id: string, rank: number, value = rank): BoardEntry =>
  ({ user_id, rank, previous_rank: null, value: String(value) }) as BoardEntry;
const page = (...users: string[]): BoardEntry[] => users.map((user, index) => entry(user, index + 1));

describe('a board under a pointer', () => {
  it('stays in its order and takes the new figures over', () => {
    const held = new Map([[0, page('a', 'b', 'c')]]);
    const fresh = new Map([[0, [entry('b', 1, 90), entry('a', 2, 80), entry('d', 3, 70)]]]);
    expect(inHeldOrder(held, fresh).get(0)).toEqual([entry('a', 1, 80), entry('b', 2, 90), entry('c', 3)]);
    expect(movedSince(held, fresh)).toBe(3);
  });

  it('shows a page that comes meanwhile, and knows somebody who has come onto another one', () => {
    const held = new Map([[0, page('a', 'b')]]);
    const fresh = new Map([
      [0, [entry('c', 1, 9), entry('a', 2, 8)]],
      [1, [entry('b', 3, 7)]],
    ]);
    expect(inHeldOrder(held, fresh)).toEqual(
      new Map([
        [0, [entry('a', 1, 8), entry('b', 2, 7)]],
        [1, [entry('b', 3, 7)]],
      ]),
    );
  });

  it('never moves anybody, whatever comes', () => {
    const users = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { minLength: 1 });
    fc.assert(
      fc.property(users, users, (before, after) => {
        const held = new Map([[0, page(...before)]]);
        const fresh = new Map([[0, page(...after)]]);
        expect(
          inHeldOrder(held, fresh)
            .get(0)
            ?.map(({ user_id, rank }) => [user_id, rank]),
        ).toEqual(before.map((user, index) => [user, index + 1]));
        expect(movedSince(held, held)).toBe(0);
      }),
    );
  });
});
