import { useState, type KeyboardEvent, type PointerEvent } from 'react';

export interface DayCursor {
  /** The day that is looked at; undefined for none. */
  readonly index: number | undefined;
  readonly onKeyDown: (event: KeyboardEvent) => void;
  readonly onPointerMove: (event: PointerEvent) => void;
  readonly onPointerLeave: () => void;
  readonly onFocus: () => void;
  readonly onBlur: () => void;
}

/**
 * One day of a chart, chosen by pointing at it or by the arrow keys.
 *
 * @param count how many days there are.
 * @param rows how many of them stand above one another: 7 in a calendar, where a week is a column.
 */
export function useDayCursor(count: number, rows = 1): DayCursor {
  const [index, setIndex] = useState<number>();
  const move = (by: number): void => {
    setIndex((now) => Math.max(0, Math.min(count - 1, (now ?? count - 1) + by)));
  };
  return {
    index: index === undefined || index >= count ? undefined : index,
    onKeyDown: (event) => {
      const by = { ArrowLeft: -rows, ArrowRight: rows, ArrowUp: rows === 1 ? 1 : -1, ArrowDown: rows === 1 ? -1 : 1 }[
        event.key
      ];
      const to = { Home: 0, End: count - 1 }[event.key];
      if (by === undefined && to === undefined) return;
      event.preventDefault();
      if (to === undefined) move(by ?? 0);
      else setIndex(to);
    },
    onPointerMove: (event) => {
      if (!(event.target instanceof Element)) return;
      const day = event.target.closest('[data-day]')?.getAttribute('data-day');
      if (day !== null && day !== undefined) setIndex(Number(day));
    },
    onPointerLeave: () => setIndex(undefined),
    onFocus: () => setIndex((now) => now ?? count - 1),
    onBlur: () => setIndex(undefined),
  };
}
