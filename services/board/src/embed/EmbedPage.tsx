import './embed.css';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { boardPage } from '../api/queries.js';
import { Composition } from '../charts/Composition.js';
import { boardDefaults } from '../router.js';
import { Avatar } from '../shell/Avatar.js';
import { Mark } from '../shell/Mark.js';
import { PersonName } from '../shell/PersonName.js';
import { Bone, Failed, Nothing } from '../shell/states.js';
import { metricNames, metricText, windowNames } from '../words/metrics.js';

const route = getRouteApi('/embed');
const USUAL = 10;

/** The best of a board, for a frame in another page: a wiki, a dashboard, a screen in the hall. */
export function EmbedPage() {
  const { window = boardDefaults.window, metric = boardDefaults.metric, team, limit = USUAL } = route.useSearch();
  const query = useQuery(boardPage({ window, metric, team, q: undefined }, 0, undefined));
  const entries = query.data?.entries.slice(0, limit);
  const best = Number(entries?.[0]?.value ?? 0);
  const address = new URLSearchParams({ window, metric, ...(team === undefined ? {} : { team }) }).toString();
  return (
    <main className="embed">
      <header className="embed__head">
        <h1>
          <Mark size={20} /> {team ?? 'Laurel'}
        </h1>
        <p>
          {metricNames[metric]}, {windowNames[window].toLowerCase()}
        </p>
      </header>
      {entries === undefined ? (
        query.error === null ? (
          <div className="embed__wait">
            {Array.from({ length: limit }, (_, index) => (
              <Bone key={index} width="100%" height={28} />
            ))}
          </div>
        ) : (
          <Failed error={query.error} onRetry={() => void query.refetch()} />
        )
      ) : entries.length === 0 ? (
        <Nothing title="No usage yet in this window" />
      ) : (
        <ol className="embed__rows">
          {entries.map((entry) => (
            <li key={entry.user_id}>
              <span className="embed__rank">{entry.rank}</span>
              <Avatar userId={entry.user_id} size={24} />
              <span className="embed__name">
                <PersonName person={entry} />
              </span>
              <span className="embed__made">
                <Composition figures={entry} share={best === 0 ? 1 : Number(entry.value) / best} />
              </span>
              <span className="embed__value">{metricText(metric, entry.value)}</span>
            </li>
          ))}
        </ol>
      )}
      <footer className="embed__foot">
        <span title={query.data?.measures}>Usage, not worth.</span>
        <a href={`/?${address}`} target="_blank" rel="noopener">
          Open the board
        </a>
      </footer>
    </main>
  );
}
