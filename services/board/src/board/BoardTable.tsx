import { Popover } from '@base-ui/react/popover';
import { useQuery } from '@tanstack/react-query';
import { ArrowDown, ArrowUp, RefreshCw, SearchX } from 'lucide-react';
import {
  memo,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type FocusEvent,
  type KeyboardEvent,
} from 'react';
import type { BoardEntry, Title } from '../api/answers.js';
import { PAGE_ROWS, titleRules, trendsPage, type BoardChoice } from '../api/queries.js';
import { Nothing } from '../shell/states.js';
import { useMedia } from '../shell/use-media.js';
import { BadgeTip, badgeTips, type BadgeTips } from '../titles/TitleBadge.js';
import { me as meStored, useMaySayWho } from '../viewer/me.js';
import { metricHeadings } from '../words/metrics.js';
import { BoardRow, BoneRow } from './BoardRow.js';
import { RowDetails, rowDetails } from './RowDetails.js';
import type { BoardData } from './use-board.js';
import { useRowsInSight } from './use-rows-in-sight.js';

/** As in board.css, in px. */
const ROW_HEIGHT = 56;
const NARROW_ROW_HEIGHT = 72;
/** Rows shown in wait for the first page. */
const WAITING = 12;
/** How long after a pointer has left, rows may move again, in ms: on its way it may come back. */
const RELEASE_AFTER_MS = 500;
/** One and the same, as a row whose titles are others is drawn anew. */
const NONE: readonly Title[] = [];

interface BoardTableProps {
  readonly board: BoardData;
  readonly titles: readonly Title[];
  readonly me: string | undefined;
  /** Told which pages are in sight. */
  readonly onPages: (pages: readonly number[]) => void;
  /** Told whether somebody points at the rows, which are not to move then. */
  readonly onHold: (isHeld: boolean) => void;
}

/** The board's rows, of which only those in sight are in the document, however many there are. */
export const BoardTable = memo(function BoardTable({ board, titles, me, onPages, onHold }: BoardTableProps) {
  const { choice } = board;
  const list = useRef<HTMLDivElement>(null);
  const rowHeight = useMedia('(max-width: 759px)') ? NARROW_ROW_HEIGHT : ROW_HEIGHT;
  const rows = board.rows ?? WAITING;
  const { first, last, indexes, bring } = useRowsInSight(list, rows, rowHeight);
  const firstPage = Math.floor((indexes[0] ?? 0) / PAGE_ROWS);
  const lastPage = Math.floor((indexes.at(-1) ?? 0) / PAGE_ROWS);
  useEffect(() => {
    onPages(firstPage === lastPage ? [firstPage] : [firstPage, lastPage]);
  }, [firstPage, lastPage, onPages]);

  const hold = useHold(onHold);
  const [active, setActive] = useState(0);
  const current = Math.min(active, Math.max(0, rows - 1));
  const wantsFocus = useRef(false);
  // Before anything is painted, so that no key is lost between.
  useLayoutEffect(() => {
    // The row may have come into the document only now.
    if (!wantsFocus.current) return;
    const link = list.current?.querySelector<HTMLElement>(`[data-index="${current}"] a`);
    if (link === null || link === undefined) return;
    wantsFocus.current = false;
    link.focus({ preventScroll: true });
  });
  const onKeyDown = (event: KeyboardEvent): void => {
    const to = targetOf(event.key, current, rows);
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    wantsFocus.current = true;
    setActive(to);
    bring(to, 'nearest');
  };
  const onFocus = (event: FocusEvent<HTMLElement>): void => {
    const row = event.target.closest<HTMLElement>('[data-index]');
    if (row !== null) setActive(Number(row.dataset['index']));
    hold.focus(event.target.matches(':focus-visible'));
  };

  const held = useMemo(() => titlesByUser(titles), [titles]);
  const rules = useQuery(titleRules()).data?.titles;
  const titleNames = useMemo(() => new Map((rules ?? []).map(({ id, name }) => [id, name])), [rules]);
  const [details] = useState(rowDetails);
  const [tips] = useState(badgeTips);
  const own = board.own;
  const ownIndex = own === null || own === undefined || choice.q !== undefined ? undefined : indexOf(own, board);
  const isOwnInSight = ownIndex !== undefined && ownIndex > first && ownIndex < last;

  return (
    <div className="table-place">
      {board.moved === 0 ? null : (
        <button type="button" className="moved" onClick={hold.release}>
          <RefreshCw aria-hidden size={14} />
          {board.moved === 1 ? 'One place has changed' : `${board.moved} places have changed`}
        </button>
      )}
      <div
        role="grid"
        tabIndex={-1}
        onKeyDown={onKeyDown}
        onFocus={onFocus}
        onBlur={() => hold.focus(false)}
        onPointerEnter={({ pointerType }) => hold.point(pointerType === 'mouse')}
        onPointerLeave={() => hold.point(false)}
        className={`table ${board.isOfBefore ? 'table--before' : ''}`}
        aria-label="Leaderboard"
        aria-rowcount={board.rows === undefined ? -1 : rows + 1}
        aria-busy={board.rows === undefined || board.isOfBefore}
      >
        <div role="rowgroup" className="table__head">
          <div role="row" aria-rowindex={1} className="row row--head">
            <span role="columnheader" className="row__rank">
              <span aria-hidden>#</span>
              <span className="only-heard">Rank</span>
            </span>
            <span role="columnheader" className="row__move">
              <span className="only-heard">Movement since yesterday</span>
            </span>
            <span role="columnheader" className="row__person">
              Person
            </span>
            <span role="columnheader" className="row__titles">
              Titles
            </span>
            <span role="columnheader" className="row__value">
              {metricHeadings[choice.metric]}
            </span>
            <span role="columnheader" className="row__made">
              Made of
            </span>
            <span role="columnheader" className="row__cost">
              List cost
            </span>
            <span role="columnheader" className="row__cache">
              Cached
            </span>
            <span role="columnheader" className="row__models">
              Models
            </span>
            <span role="columnheader" className="row__trend">
              30 days
            </span>
          </div>
        </div>
        {rows === 0 ? null : (
          <div role="rowgroup" ref={list} className="table__rows" style={{ height: rows * rowHeight }}>
            {indexes.map((index) => {
              const entry = board.entryAt(index);
              const place = { index, top: index * rowHeight };
              if (entry === undefined) return <BoneRow key={`bone-${index}`} {...place} />;
              return (
                <BoardRow
                  key={entry.user_id}
                  {...place}
                  entry={entry}
                  metric={choice.metric}
                  best={board.best}
                  trend={board.trendOf(entry.user_id)}
                  titles={held.get(entry.user_id) ?? NONE}
                  titleNames={titleNames}
                  isMe={entry.user_id === me}
                  isCurrent={index === current}
                  details={details}
                  tips={tips}
                />
              );
            })}
          </div>
        )}
      </div>
      {rows === 0 ? <Empty choice={choice} /> : null}
      <OwnBar
        own={own}
        board={board}
        choice={choice}
        titles={held}
        titleNames={titleNames}
        details={details}
        tips={tips}
        isAbove={ownIndex !== undefined && ownIndex <= first}
        isHidden={isOwnInSight || choice.q !== undefined}
        onGo={() => {
          if (ownIndex === undefined) return;
          wantsFocus.current = true;
          setActive(ownIndex);
          bring(ownIndex, 'center');
        }}
      />
      <Popover.Root handle={details}>
        {({ payload }: { payload: BoardEntry | undefined }) => <RowDetails entry={payload} />}
      </Popover.Root>
      <BadgeTip tips={tips} />
    </div>
  );
});

/** Where a key leads from a row; undefined for other keys. */
function targetOf(key: string, index: number, rows: number): number | undefined {
  const target = {
    ArrowDown: index + 1,
    ArrowUp: index - 1,
    PageDown: index + 10,
    PageUp: index - 10,
    Home: 0,
    End: rows - 1,
  }[key];
  return target === undefined ? undefined : Math.max(0, Math.min(rows - 1, target));
}

function titlesByUser(titles: readonly Title[]): ReadonlyMap<string, readonly Title[]> {
  const held = new Map<string, Title[]>();
  for (const title of titles) {
    for (const { user_id: userId } of title.holders) held.set(userId, [...(held.get(userId) ?? []), title]);
  }
  return held;
}

/** Where somebody's row is: at their rank, or just after it among equals. */
function indexOf({ user_id: userId, rank }: BoardEntry, board: BoardData): number {
  for (let index = rank - 1; index < rank + PAGE_ROWS; index += 1) {
    const entry = board.entryAt(index);
    if (entry === undefined) break;
    if (entry.user_id === userId) return index;
  }
  return rank - 1;
}

/** While a mouse is over the rows, or one of them has the keyboard's focus, nothing moves. */
function useHold(onHold: (isHeld: boolean) => void) {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const state = useRef({ pointed: false, focused: false });
  const tell = (): void => {
    clearTimeout(timer.current);
    const { pointed, focused } = state.current;
    if (pointed || focused) onHold(true);
    else timer.current = setTimeout(() => onHold(false), RELEASE_AFTER_MS);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  return {
    point: (pointed: boolean) => {
      state.current.pointed = pointed;
      tell();
    },
    focus: (focused: boolean) => {
      state.current.focused = focused;
      tell();
    },
    release: () => {
      state.current = { pointed: false, focused: false };
      onHold(false);
    },
  };
}

function Empty({ choice }: { readonly choice: BoardChoice }) {
  if (choice.q !== undefined) {
    return (
      <Nothing title={`Nobody’s handle has “${choice.q}” in it`} icon={<SearchX size={28} />}>
        <p>Handles are searched in the window and team that are chosen above. Who is hidden can’t be found.</p>
      </Nothing>
    );
  }
  return (
    <Nothing title="No usage yet in this window">
      <p>As soon as a tool publishes usage events, people stand here within seconds.</p>
    </Nothing>
  );
}

interface OwnBarProps {
  readonly own: BoardEntry | null | undefined;
  readonly board: BoardData;
  readonly choice: BoardChoice;
  readonly titles: ReadonlyMap<string, readonly Title[]>;
  readonly titleNames: ReadonlyMap<string, string>;
  readonly details: Popover.Handle<BoardEntry>;
  readonly tips: BadgeTips;
  readonly isAbove: boolean;
  /** The own row is in sight anyway. */
  readonly isHidden: boolean;
  readonly onGo: () => void;
}

/** The viewer's own row, at the bottom of the window for as long as it is not in sight. */
function OwnBar({ own, board, choice, titles, titleNames, details, tips, isAbove, isHidden, onGo }: OwnBarProps) {
  const known = own === null || own === undefined ? undefined : board.trendOf(own.user_id);
  // Their page of the board may not be in sight, and so not read.
  const trends = useQuery({
    ...trendsPage({ ...choice, q: own?.user_id }, 0),
    enabled: own !== null && own !== undefined && known === undefined && !isHidden,
  });
  const maySay = useMaySayWho();
  if (own === undefined || isHidden) return null;
  const Arrow = isAbove ? ArrowUp : ArrowDown;
  return (
    <section className="own" aria-label="You">
      {own === null ? (
        <p className="own__nothing">
          You are not on this board: no usage in this window, or you chose to be hidden.
          {maySay ? (
            <button type="button" className="button button--quiet" onClick={() => meStored.set(null)}>
              This isn’t me
            </button>
          ) : null}
        </p>
      ) : (
        <>
          <div role="grid" aria-label="Your own row" className="own__row">
            <BoardRow
              index={-1}
              top={0}
              entry={own}
              metric={choice.metric}
              best={board.best}
              trend={known ?? trends.data?.people.find(({ user_id: userId }) => userId === own.user_id)}
              titles={titles.get(own.user_id) ?? NONE}
              titleNames={titleNames}
              isMe
              isCurrent
              details={details}
              tips={tips}
            />
          </div>
          <button type="button" className="icon-button own__go" aria-label="Go to your row" onClick={onGo}>
            <Arrow aria-hidden size={18} />
          </button>
        </>
      )}
    </section>
  );
}
