import { useQueries, type UseQueryResult } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import type { BoardEntry, Leaderboard, PersonTrend, Trends, WindowBounds } from '../api/answers.js';
import { boardPage, PAGE_ROWS, trendsPage, type BoardChoice } from '../api/queries.js';
import { inHeldOrder, movedSince, type Pages } from './held-order.js';

export interface BoardData {
  /** What the rows are of: the choice before, while `isOfBefore`. */
  readonly choice: BoardChoice;
  /** How many rows there are; undefined until it is known. */
  readonly rows: number | undefined;
  /** Whether what is shown is of the choice before, as that of the present one is still being read. */
  readonly isOfBefore: boolean;
  readonly people: number | undefined;
  readonly window: WindowBounds | undefined;
  readonly measures: string | undefined;
  /** The best value, by which bars are drawn. */
  readonly best: number;
  readonly entryAt: (index: number) => BoardEntry | undefined;
  readonly trendOf: (userId: string) => PersonTrend | undefined;
  /** The viewer's own entry; null when they are not on this board, undefined when they aren't known. */
  readonly own: BoardEntry | null | undefined;
  /** How many stand elsewhere by now than where they are shown. */
  readonly moved: number;
  readonly error: Error | null;
  /** When the oldest page that is shown was read, in ms, if it could not be read anew. */
  readonly staleSinceMs: number | undefined;
  readonly retry: () => void;
}

/**
 * The pages of a board that are in sight.
 *
 * @param isHeld while it is true everybody stays where they are.
 */
export function useBoard(
  choice: BoardChoice,
  pages: readonly number[],
  me: string | undefined,
  isHeld: boolean,
): BoardData {
  // The first page tells how many there are.
  const wanted = useMemo(() => [...new Set([0, ...pages])], [pages]);
  const boards = useQueries({
    queries: wanted.map((page) => boardPage(choice, page, me)),
    combine: asRead<Leaderboard>,
  });
  const trends = useQueries({
    queries: wanted.map((page, index) => ({ ...trendsPage(choice, page), enabled: boards[index]?.data !== undefined })),
    combine: asRead<Trends>,
  });

  const [error, firstRead] = [boards[0]?.error ?? null, boards[0]?.data];
  const read = useMemo(() => {
    const pagesRead = new Map<number, readonly BoardEntry[]>();
    wanted.forEach((page, index) => {
      const data = boards[index]?.data;
      if (data !== undefined) pagesRead.set(page, data.entries);
    });
    return pagesRead;
  }, [wanted, boards]);
  const last = useLast(choice, firstRead, read);
  // Another choice's rows stand until its own have come, so that nothing jumps meanwhile.
  const isOfBefore = firstRead === undefined && error === null && last !== undefined;
  const fresh: Pages = isOfBefore ? last.pages : read;
  const first = isOfBefore ? last.first : firstRead;
  const shownChoice = isOfBefore ? last.choice : choice;
  // Nobody holds on to rows of a choice that they have left.
  const held = useHeld(choice, fresh, isHeld && !isOfBefore);

  // As long as nothing that it is of has changed, the table need not be drawn anew.
  return useMemo(() => {
    const shown = held === undefined ? fresh : inHeldOrder(held, fresh);
    const trendsByUser = new Map<string, PersonTrend>();
    for (const { data } of trends) for (const trend of data?.people ?? []) trendsByUser.set(trend.user_id, trend);
    const failed = boards.filter((query) => query.isError);
    const stale = failed.filter((query) => query.data !== undefined).map((query) => query.dataUpdatedAt);
    return {
      choice: shownChoice,
      rows:
        first === undefined
          ? undefined
          : shownChoice.q === undefined
            ? Math.max(first.people, first.entries.length)
            : first.entries.length,
      isOfBefore,
      people: first?.people,
      window: first?.window,
      measures: first?.measures,
      best: Number(first?.entries[0]?.value ?? 0),
      entryAt: (index) => shown.get(Math.floor(index / PAGE_ROWS))?.[index % PAGE_ROWS],
      trendOf: (userId) => trendsByUser.get(userId),
      own: me === undefined ? undefined : first?.user,
      moved: held === undefined ? 0 : movedSince(held, fresh),
      error: first === undefined ? error : null,
      staleSinceMs: stale.length === 0 ? undefined : Math.min(...stale),
      retry: () => {
        for (const query of failed) void query.refetch();
      },
    };
  }, [boards, error, first, fresh, held, isOfBefore, me, shownChoice, trends]);
}

/** Equal for as long as nothing was read anew. */
const asRead = <T>(results: UseQueryResult<T>[]) =>
  results.map(({ data, error, isError, dataUpdatedAt, refetch }) => ({ data, error, isError, dataUpdatedAt, refetch }));

interface Shown {
  readonly choice: BoardChoice;
  readonly first: Leaderboard;
  readonly pages: Pages;
}

/** What was read last. */
function useLast(choice: BoardChoice, first: Leaderboard | undefined, pages: Pages): Shown | undefined {
  const [last, setLast] = useState<Shown>();
  // State that follows from what is rendered is set while rendering, which React does again at once.
  if (first !== undefined && last?.first !== first) setLast({ choice, first, pages });
  return last;
}

/** The pages as they were when they were first held, and those that came since; undefined while nothing is held. */
function useHeld(choice: BoardChoice, fresh: Pages, isHeld: boolean): Pages | undefined {
  const key = JSON.stringify(choice);
  const [kept, setKept] = useState<{ readonly key: string; readonly pages: Pages }>();
  const held = kept?.key === key ? kept.pages : undefined;
  if (!isHeld) {
    if (kept !== undefined) setKept(undefined);
    return undefined;
  }
  if ([...fresh.keys()].some((page) => held?.has(page) !== true)) {
    setKept({ key, pages: new Map([...fresh, ...(held ?? [])]) });
  }
  return held;
}
