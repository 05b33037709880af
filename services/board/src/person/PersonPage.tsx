import './person.css';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { Eye, UserRound, UserX } from 'lucide-react';
import type { PersonUsage } from '../api/answers.js';
import { RequestFailed, userPath } from '../api/client.js';
import { personUsage, titleRules } from '../api/queries.js';
import { personWindows, type PersonWindow } from '../router.js';
import { Avatar } from '../shell/Avatar.js';
import { Card } from '../shell/Card.js';
import { Choice } from '../shell/Choice.js';
import { PersonName } from '../shell/PersonName.js';
import { Share } from '../shell/Share.js';
import { Bone, Failed, Nothing, Stale } from '../shell/states.js';
import { TitleIcon, titleTone } from '../titles/TitleIcon.js';
import { TiersHad } from './TiersHad.js';
import { me, useMaySayWho, useMe } from '../viewer/me.js';
import { cacheShareOf, costText, shareText, shortText, usdText, wholeText } from '../words/numbers.js';
import { scopeText } from '../words/titles.js';
import { ClassesCard, ModelsCard } from './MixCards.js';
import { HistoryCard } from './HistoryCard.js';
import { OwnCard, OwnChoice } from './OwnCard.js';
import { SignalsCard } from './SignalsCard.js';
import { SessionsCard } from './SessionsCard.js';
import { TitlesCard } from './TitlesCard.js';
import { AwardsCard } from './AwardsCard.js';

const route = getRouteApi('/people/$userId');

const windowNames: Readonly<Record<PersonWindow, string>> = {
  '7d': '7 days',
  '30d': '30 days',
  '90d': '90 days',
  all: 'All time',
};

export function PersonPage() {
  const { userId } = route.useParams();
  const window = route.useSearch().window ?? '30d';
  const navigate = useNavigate({ from: '/people/$userId' });
  const own = useMe();
  const query = useQuery(personUsage(userId, window));
  const { data, error } = query;
  // Also of whoever was shown here a moment ago.
  if (error instanceof RequestFailed && error.code === 'no_usage') return <Unknown userId={userId} />;
  if (data === undefined && error !== null) {
    return (
      <div className="page">
        <Failed error={error} onRetry={() => void query.refetch()} />
      </div>
    );
  }
  return (
    <div className="page person">
      <title>{`${data?.name ?? data?.handle ?? 'A person'} · Laurel`}</title>
      {query.isError ? <Stale sinceMs={query.dataUpdatedAt} /> : null}
      <Head person={data} userId={userId} />
      <HistoryCard userId={userId} />
      <div className="person__bar">
        <h2>Usage</h2>
        <Choice
          label="Window"
          value={window}
          options={personWindows}
          names={windowNames}
          onChange={(next) =>
            void navigate({
              to: '/people/$userId',
              search: { window: next === '30d' ? undefined : next },
              replace: true,
              resetScroll: false,
            })
          }
        />
      </div>
      <Figures person={data} />
      <div className="person__grid">
        <ClassesCard person={data} />
        <ModelsCard userId={userId} window={window} person={data} />
        <TitlesCard userId={userId} tiers={data?.tiers ?? undefined} />
        <div className="person__column">
          <SessionsCard userId={userId} />
          <AwardsCard userId={userId} />
        </div>
      </div>
      {own === userId && data !== undefined ? (
        <div id="you" className="person__own">
          <SignalsCard />
          <OwnCard person={data} />
        </div>
      ) : null}
    </div>
  );
}

function Unknown({ userId }: { readonly userId: string }) {
  const isOwn = useMe() === userId;
  return (
    <div className="page">
      <title>Nobody here · Laurel</title>
      <Nothing isPage title="Nobody is shown here" icon={<UserX size={28} />}>
        {isOwn ? (
          <p>Either no usage of yours is recorded, or you chose to be hidden.</p>
        ) : (
          <p>Either there is no usage of this person, or they chose not to be shown.</p>
        )}
        <Link to="/" className="button">
          To the board
        </Link>
      </Nothing>
      {isOwn ? (
        <div className="person__own">
          <Card title="How you are shown">
            <OwnChoice userId={userId} />
          </Card>
          <SignalsCard />
        </div>
      ) : null}
    </div>
  );
}

function Head({ person, userId }: { readonly person: PersonUsage | undefined; readonly userId: string }) {
  const own = useMe();
  const maySay = useMaySayWho();
  const titles = useQuery(titleRules()).data?.titles ?? [];
  const held = (person?.titles ?? []).flatMap(({ title_id: id, scope }) => {
    const title = titles.find((one) => one.id === id);
    return title === undefined ? [] : [{ title, scope }];
  });
  return (
    <header className="person__head">
      <Avatar userId={userId} size={76} />
      <div className="person__who">
        <h1>{person === undefined ? <Bone width={260} height={28} /> : <PersonName person={person} />}</h1>
        <p className="person__teams">
          {person === undefined ? <Bone width={120} /> : person.teams.join(', ') || 'In no team in this window'}
        </p>
        {held.length === 0 ? null : (
          <ul className="person__held" aria-label="Titles held now">
            {held.map(({ title, scope }) => (
              <li key={`${title.id} ${scope}`} className={`held tone--${titleTone(title)}`}>
                <TitleIcon title={title} size={14} /> {title.name}
                {scope === 'company' ? null : ` in ${scopeText(scope)}`}
              </li>
            ))}
          </ul>
        )}
        <TiersHad tiers={person?.tiers ?? []} titles={titles} />
      </div>
      <div className="person__do">
        {own === userId ? (
          <a href="#you" className="button button--quiet">
            <Eye aria-hidden size={16} /> What others see
          </a>
        ) : null}
        {person === undefined ? null : <ShareBadge person={person} />}
        {maySay ? (
          <button type="button" className="button" onClick={() => me.set(own === userId ? null : userId)}>
            <UserRound aria-hidden size={16} /> {own === userId ? 'This is you' : 'This is me'}
          </button>
        ) : null}
      </div>
    </header>
  );
}

function ShareBadge({ person }: { readonly person: PersonUsage }) {
  const badge = `${location.origin}${userPath(person.user_id, '/badge.svg')}`;
  const address = `${location.origin}/people/${encodeURIComponent(person.user_id)}`;
  return (
    <Share
      name="Share"
      about="The badge keeps itself up to date, and shows as much as the person lets be seen."
      texts={[
        { name: 'Link', text: address },
        { name: 'Markdown', text: `[![${person.handle} on Laurel](${badge})](${address})` },
      ]}
    >
      <img className="share__badge" src={badge} alt={`Badge of ${person.handle}`} height={28} />
    </Share>
  );
}

function Figures({ person }: { readonly person: PersonUsage | undefined }) {
  const cached = person === undefined ? undefined : cacheShareOf(person.totals);
  const activeDays = person?.days.filter(({ events, total_tokens }) => events !== '0' || total_tokens !== '0').length;
  const figures = [
    {
      name: 'Rank by all tokens',
      value: person?.rank === null ? '–' : person === undefined ? undefined : `#${wholeText(person.rank)}`,
      note: person?.people === null || person === undefined ? '' : `of ${shortText(person.people)}`,
    },
    {
      name: 'Tokens',
      value: person === undefined ? undefined : shortText(person.totals.total_tokens),
      note: person === undefined ? '' : `${shortText(person.totals.events)} calls`,
    },
    {
      name: 'Cost by list prices',
      value: person === undefined ? undefined : costText(person.totals),
      note: person === undefined ? '' : savingText(Number(person.totals.cache_saving_usd)),
    },
    {
      name: 'Read from a cache',
      value: cached === undefined ? (person === undefined ? undefined : '–') : shareText(cached),
      note: 'of all input',
    },
    {
      name: 'Active days',
      value: activeDays === undefined ? undefined : wholeText(activeDays),
      note: person === undefined ? '' : `of ${person.days.length}`,
    },
  ];
  return (
    <dl className="figures card">
      {figures.map(({ name, value, note }) => (
        <div key={name} className="figures__one">
          <dt>{name}</dt>
          <dd className="figures__value">{value ?? <Bone width={72} height={24} />}</dd>
          <dd className="figures__note">{note}&nbsp;</dd>
        </div>
      ))}
    </dl>
  );
}

const savingText = (saved: number): string =>
  saved > 0 ? `caching saved ${usdText(saved)}` : saved < 0 ? `caching cost ${usdText(-saved)} more` : '';
