import './titles.css';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useLocation, useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import type { Title, TitleRule, TitleRuleInForce } from '../api/answers.js';
import { awards as awardsQuery, titleRules, titles as titlesQuery } from '../api/queries.js';
import { AwardLine } from '../awards/AwardLine.js';
import { Avatar } from '../shell/Avatar.js';
import { PersonName } from '../shell/PersonName.js';
import { Picker } from '../shell/Picker.js';
import { Bone, Failed, Nothing, Stale } from '../shell/states.js';
import { useNow } from '../shell/use-now.js';
import { useMe } from '../viewer/me.js';
import { valueText } from '../words/numbers.js';
import { instantText, sinceText } from '../words/times.js';
import { conditionsOf, evidenceText, scopeText, windowText } from '../words/titles.js';
import { TierLevels } from './TierLevels.js';
import { TitleIcon, titleTone } from './TitleIcon.js';

const route = getRouteApi('/titles');

const COMPANY = 'company';
/** Changes of hands that are read of a title, in all scopes. */
const CHANGES_READ = 200;

/** Of each title, how many changes of hands are shown at first. */
const CHANGES = 4;

export function TitlesPage() {
  const scope = route.useSearch().scope ?? COMPANY;
  const query = useQuery(titlesQuery(scope));
  const rules = useQuery(titleRules()).data?.titles ?? [];
  const { data } = query;
  const { hash } = useLocation();
  useEffect(() => {
    // The title that is asked for comes after the page.
    if (data !== undefined && hash !== '') document.getElementById(hash)?.scrollIntoView();
  }, [data, hash]);
  return (
    <div className="page titles">
      <title>Titles · Laurel</title>
      <div className="titles__head">
        <div>
          <h1>{scope === COMPANY ? 'Titles' : `Titles in ${scopeText(scope)}`}</h1>
          <p className="page__about">
            Each is a rule that anybody can check. A title changes hands only when somebody is clearly ahead, and every
            change says why.
          </p>
        </div>
        <ScopePicker scope={scope} rules={rules} />
      </div>
      {query.isError && data !== undefined ? <Stale sinceMs={query.dataUpdatedAt} /> : null}
      {data === undefined ? (
        query.error === null ? (
          <Waiting />
        ) : (
          <Failed error={query.error} onRetry={() => void query.refetch()} />
        )
      ) : data.titles.length === 0 ? (
        <Nothing title={scope === COMPANY ? 'No titles are awarded' : `No titles are awarded in ${scopeText(scope)}`}>
          {scope === COMPANY ? (
            <p>
              Rules of titles are published with <code>laurel titles apply</code>.
            </p>
          ) : (
            <Link to="/titles" className="button">
              To the whole company’s
            </Link>
          )}
        </Nothing>
      ) : (
        <div className="titles__list">
          {data.titles.map((title) => (
            <TitleCard key={title.id} title={title} titles={data.titles} />
          ))}
        </div>
      )}
    </div>
  );
}

/** Whose titles are shown, where there are others than the whole company's. */
function ScopePicker({ scope, rules }: { readonly scope: string; readonly rules: readonly TitleRuleInForce[] }) {
  const navigate = useNavigate({ from: '/titles' });
  const others = [...new Set([scope, ...rules.flatMap(({ scopes }) => scopes)])].filter((one) => one !== COMPANY);
  if (others.length === 0) return null;
  const kindOf = (one: string): string => (one.startsWith('team:') ? 'Team' : 'Model');
  return (
    <Picker
      label="Titles of"
      value={scope}
      options={[
        { value: COMPANY, name: 'Whole company' },
        ...others
          .map((one) => ({ value: one, name: `${kindOf(one)}: ${scopeText(one)}` }))
          .sort((a, b) => a.name.localeCompare(b.name)),
      ]}
      onChange={(next) =>
        void navigate({ to: '/titles', search: { scope: next === COMPANY ? undefined : next }, resetScroll: false })
      }
    />
  );
}

function Waiting() {
  return (
    <div className="titles__list" aria-busy>
      {[0, 1, 2, 3].map((index) => (
        <div key={index} className="card title-card">
          <Bone width="40%" height={24} />
          <Bone width="90%" />
          <Bone width="100%" height={260} />
        </div>
      ))}
    </div>
  );
}

interface TitleCardProps {
  readonly title: Title;
  readonly titles: readonly TitleRule[];
}

function TitleCard({ title, titles }: TitleCardProps) {
  const now = useNow(60_000);
  return (
    <article id={title.id} className={`card title-card tone--${titleTone(title)}`}>
      <header className="title-card__head">
        <span className="title-card__icon" aria-hidden>
          <TitleIcon title={title} size={22} />
        </span>
        <div>
          <h2>{title.name}</h2>
          <p className="title-card__window">over {windowText(title.window.name)}</p>
        </div>
      </header>
      <p>{title.description}</p>
      <ul className="title-card__rules">
        {conditionsOf(title).map((condition) => (
          <li key={condition}>{condition}</li>
        ))}
      </ul>
      <section className="title-card__holders" aria-label={`Who holds ${title.name}`}>
        {title.holders.length === 0 ? <p className="title-card__vacant">Nobody holds it yet.</p> : null}
        {title.holders.map((holder) => (
          <div key={holder.user_id} className="holder">
            <Avatar userId={holder.user_id} size={44} />
            <div className="holder__who">
              <Link to="/people/$userId" params={{ userId: holder.user_id }} className="holder__name">
                <PersonName person={holder} />
              </Link>
              <p className="holder__since" title={instantText(holder.held_since)}>
                with {valueText(holder.value, holder.unit)}, since {sinceText(holder.held_since, now)}
              </p>
              <p className="holder__why">{evidenceText(title.metric, holder.evidence)}</p>
            </div>
          </div>
        ))}
      </section>
      <TierLevels title={title} />
      <Challengers title={title} />
      <Hands title={title} titles={titles} />
    </article>
  );
}

function Challengers({ title }: { readonly title: Title }) {
  const own = useMe();
  const best = Math.max(...title.standings.map(({ value }) => value), Number.MIN_VALUE);
  const held = new Set(title.holders.map(({ user_id: userId }) => userId));
  if (title.standings.length === 0) return null;
  return (
    <section aria-label={`Who is near ${title.name}`}>
      <h3 className="title-card__sub">The best now</h3>
      <ol className="near">
        {title.standings.map((standing) => (
          <li key={standing.user_id} className={standing.user_id === own ? 'near--me' : ''}>
            <span className="near__rank">{standing.rank}</span>
            <Link to="/people/$userId" params={{ userId: standing.user_id }} className="near__name">
              <PersonName person={standing} />
              {held.has(standing.user_id) ? <span className="near__holds"> holds it</span> : null}
            </Link>
            <span className="near__value">{valueText(standing.value, title.unit)}</span>
            <span className="near__bar" aria-hidden>
              <span style={{ width: `${Math.max(1, (100 * standing.value) / best)}%` }} />
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Hands({ title, titles }: TitleCardProps) {
  const { data } = useQuery(awardsQuery({ title: title.id, limit: CHANGES_READ }));
  if (data === undefined) return <Bone width="100%" height={80} />;
  const own = data.awards.filter(({ scope }) => scope === title.scope);
  const [shown, older] = [own.slice(0, CHANGES), own.slice(CHANGES)];
  if (shown.length === 0) return null;
  return (
    <section aria-label={`History of ${title.name}`}>
      <h3 className="title-card__sub">History of hands</h3>
      <ul className="award-list">
        {shown.map((award) => (
          <AwardLine key={award.award_id} award={award} titles={titles} withPerson />
        ))}
      </ul>
      {older.length === 0 ? null : (
        <details className="older">
          <summary>{older.length} more</summary>
          <ul className="award-list">
            {older.map((award) => (
              <AwardLine key={award.award_id} award={award} titles={titles} withPerson />
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}
