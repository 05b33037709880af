import './board.css';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useDeferredValue, useMemo, useState } from 'react';
import type { Title } from '../api/answers.js';
import { titles, type BoardChoice } from '../api/queries.js';
import { useMe } from '../viewer/me.js';
import { useNow } from '../shell/use-now.js';
import { Share } from '../shell/Share.js';
import { Failed, Stale } from '../shell/states.js';
import { shortText, tokenKindNames, tokenKinds } from '../words/numbers.js';
import { dayText } from '../words/times.js';
import { boardDefaults } from '../router.js';
import { BoardTable } from './BoardTable.js';
import { BoardToolbar } from './BoardToolbar.js';
import { AboutFigures } from './AboutFigures.js';
import { TitleStrip } from './TitleStrip.js';
import { useBoard } from './use-board.js';

const route = getRouteApi('/');
/** One and the same, as the table is drawn anew for others. */
const NONE: readonly Title[] = [];

export function BoardPage() {
  const search = route.useSearch();
  const choice = useMemo(
    () => ({
      metric: search.metric ?? boardDefaults.metric,
      window: search.window ?? boardDefaults.window,
      team: search.team,
      q: search.q,
    }),
    [search],
  );
  const me = useMe();
  const [pages, setPages] = useState<readonly number[]>([0]);
  const [isHeld, setHeld] = useState(false);
  const board = useBoard(choice, pages, me, isHeld);
  // Its rows are many: whatever is clicked or typed meanwhile comes before them.
  const drawn = useDeferredValue(board);
  const known = useQuery(titles(choice.team === undefined ? undefined : `team:${choice.team}`)).data?.titles;
  const heading = choice.team === undefined ? 'The board' : choice.team;
  return (
    <div className="page board">
      <title>{`${heading} · Laurel`}</title>
      <div className="board__head">
        <div>
          <h1>{heading}</h1>
          <p className="board__about">
            <About people={board.people} start={board.window?.start} />
            {me === undefined ? (
              <span className="board__hint"> Find your handle and choose “This is me” to keep your row in sight.</span>
            ) : null}
          </p>
        </div>
        <div className="board__do">
          <AboutFigures measures={board.measures} />
          <Share
            name="Embed"
            about="The first ten of this board, for a wiki or a dashboard. Whose pages may show it is a setting of the API."
            texts={[
              {
                name: 'HTML',
                text: `<iframe src="${embedAddress(choice)}" width="560" height="480" title="Laurel"></iframe>`,
              },
              { name: 'Address', text: embedAddress(choice) },
            ]}
          />
        </div>
      </div>
      <TitleStrip titles={known} team={choice.team} />
      <BoardToolbar choice={choice} />
      <ul className="made-of" aria-label="What tokens are made of">
        {tokenKinds.map((kind) => (
          <li key={kind}>
            <span className={`dot kind--${kind}`} aria-hidden /> {tokenKindNames[kind]}
          </li>
        ))}
      </ul>
      {board.staleSinceMs === undefined ? null : <Stale sinceMs={board.staleSinceMs} />}
      {board.error === null ? (
        <BoardTable
          key={drawn.choice.q === undefined ? 'everybody' : 'found'}
          board={drawn}
          titles={known ?? NONE}
          me={me}
          onPages={setPages}
          onHold={setHeld}
        />
      ) : (
        <Failed error={board.error} onRetry={board.retry} />
      )}
    </div>
  );
}

function embedAddress({ window, metric, team }: BoardChoice): string {
  const query = new URLSearchParams({ window, metric, ...(team === undefined ? {} : { team }) });
  return `${location.origin}/embed?${query.toString()}`;
}

function About({ people, start }: { readonly people: number | undefined; readonly start: string | undefined }) {
  useNow(60_000);
  if (people === undefined || start === undefined) return <>&nbsp;</>;
  const from = dayText(start.slice(0, 10));
  const isOfAllTime = start.startsWith('2020-01-01');
  return (
    <>
      {shortText(people)} {people === 1 ? 'person' : 'people'}
      {isOfAllTime ? ', since the first usage.' : `, since ${from} (UTC days).`}
    </>
  );
}
