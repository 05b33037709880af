import { Link } from '@tanstack/react-router';
import { memo } from 'react';
import type { Title } from '../api/answers.js';
import { Avatar } from '../shell/Avatar.js';
import { PersonName } from '../shell/PersonName.js';
import { Bone } from '../shell/states.js';
import { useNow } from '../shell/use-now.js';
import { TitleIcon, titleTone } from '../titles/TitleIcon.js';
import { valueText } from '../words/numbers.js';
import { instantText, sinceText } from '../words/times.js';

/** How many places are held for titles that are still being read. */
const USUAL = 6;

/** Who holds each title now. */
export const TitleStrip = memo(function TitleStrip({
  titles,
  team,
}: {
  readonly titles: readonly Title[] | undefined;
  readonly team: string | undefined;
}) {
  const now = useNow(60_000);
  // A team has none unless the company's rules award some in each team.
  if (titles?.length === 0 || (titles === undefined && team !== undefined)) return null;
  return (
    <section aria-label="Titles and their holders" className="strip">
      {titles === undefined
        ? Array.from({ length: USUAL }, (_, index) => (
            <div key={index} className="strip__card" aria-hidden>
              <Bone width="45%" />
              <Bone width="80%" height={20} />
              <Bone width="60%" />
            </div>
          ))
        : titles.map((title) => <TitleCard key={title.id} title={title} now={now} />)}
    </section>
  );
});

function TitleCard({ title, now }: { readonly title: Title; readonly now: number }) {
  const [holder] = title.holders;
  const others = title.holders.length - 1;
  return (
    <article className={`strip__card tone--${titleTone(title)}`}>
      <h2 className="strip__title">
        <TitleIcon title={title} size={15} />
        <Link to="/titles" search={{ scope: title.scope === 'company' ? undefined : title.scope }} hash={title.id}>
          {title.name}
        </Link>
      </h2>
      {holder === undefined ? (
        <p className="strip__vacant">Nobody holds it yet</p>
      ) : (
        <>
          <Link to="/people/$userId" params={{ userId: holder.user_id }} className="strip__holder">
            <Avatar userId={holder.user_id} size={28} />
            <PersonName person={holder} />
          </Link>
          <p className="strip__value">
            <strong>{valueText(holder.value, holder.unit)}</strong>
            <span title={instantText(holder.held_since)}>
              {others > 0 ? `and ${others} more` : `since ${sinceText(holder.held_since, now)}`}
            </span>
          </p>
        </>
      )}
    </article>
  );
}
