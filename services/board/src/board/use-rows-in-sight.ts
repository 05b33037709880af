import { useDeferredValue, useSyncExternalStore, type RefObject } from 'react';

/** Rows beside those in sight that are in the document too: one page key leads no further. */
const BESIDE = 10;
/** As long as it is not known where the list begins. */
const NOWHERE = -Infinity;

export interface RowsInSight {
  /** At the window's upper edge, if the list reached so far: below 0 where it begins further down. */
  readonly first: number;
  /** At the lower edge; beyond the list where it ends further up. */
  readonly last: number;
  /** Those to have in the document. */
  readonly indexes: readonly number[];
  /** Brings a row to where nothing covers it: by as little as that takes, or to the middle. */
  readonly bring: (index: number, align: 'nearest' | 'center') => void;
}

/**
 * Which rows of a list the window shows. All are equally high, so their places need not be kept, however many there are.
 *
 * @param list its scroll margins tell what covers the window's edges.
 * @param heightPx of a row.
 */
export function useRowsInSight(list: RefObject<HTMLElement | null>, count: number, heightPx: number): RowsInSight {
  const rowAt = (y: number): number =>
    list.current === null ? NOWHERE : Math.floor((y - list.current.getBoundingClientRect().top) / heightPx);
  const first = useSyncExternalStore(onScroll, () => rowAt(0));
  const last = useSyncExternalStore(onScroll, () => rowAt(innerHeight));
  // What is in sight is painted at once; rows beside it are brought in, and those that are far by now taken out, when there is time.
  const from = useDeferredValue(first, NOWHERE) - BESIDE;
  const to = useDeferredValue(last, NOWHERE) + BESIDE;
  const indexes = [...new Set([...within(first, last, count), ...within(from, to, count)])];
  return {
    first,
    last,
    indexes: indexes.sort((a, b) => a - b),
    bring: (index, align) => {
      if (list.current === null) return;
      const { scrollMarginTop, scrollMarginBottom } = getComputedStyle(list.current);
      const least = parseFloat(scrollMarginTop);
      const most = innerHeight - parseFloat(scrollMarginBottom) - heightPx;
      const top = list.current.getBoundingClientRect().top + index * heightPx;
      const to = align === 'center' ? (least + most) / 2 : Math.max(least, Math.min(most, top));
      scrollBy(0, top - to);
    },
  };
}

function onScroll(listener: () => void): () => void {
  addEventListener('scroll', listener, { passive: true });
  addEventListener('resize', listener);
  return () => {
    removeEventListener('scroll', listener);
    removeEventListener('resize', listener);
  };
}

function within(first: number, last: number, count: number): readonly number[] {
  const from = Math.max(0, first);
  return Array.from({ length: Math.max(0, Math.min(count - 1, last) - from + 1) }, (_, index) => from + index);
}
