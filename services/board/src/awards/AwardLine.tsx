import './awards.css';
import '../titles/badge.css';
import { Link } from '@tanstack/react-router';
import type { Award, TitleRule } from '../api/answers.js';
import { useNow } from '../shell/use-now.js';
import { TitleIcon, titleTone } from '../titles/TitleIcon.js';
import { valueText } from '../words/numbers.js';
import { agoText, instantText } from '../words/times.js';
import { evidenceText, happenedText, reasonText, scopeText } from '../words/titles.js';

interface AwardLineProps {
  readonly award: Award;
  readonly titles: readonly TitleRule[];
  /** Whether it says who. */
  readonly withPerson: boolean;
}

/** One award or loss, with why, in plain words. */
export function AwardLine({ award, titles, withPerson }: AwardLineProps) {
  const now = useNow(60_000);
  const title = titles.find(({ id }) => id === award.title_id);
  const name = title?.name ?? award.title_id;
  const isWin = award.type === 'title_awarded' || award.type === 'tier_reached';
  const evidence = title === undefined || !isWin ? undefined : evidenceText(title.metric, award.evidence);
  return (
    <li className={`award ${isWin ? '' : 'award--loss'} ${title === undefined ? '' : `tone--${titleTone(title)}`}`}>
      <span className="award__icon" aria-hidden>
        {title === undefined ? null : <TitleIcon title={title} size={16} />}
      </span>
      <div className="award__text">
        <p>
          {withPerson ? <Who award={award} /> : null} {withPerson ? happenedText(award) : capital(happenedText(award))}{' '}
          <strong>{name}</strong>
          {award.scope === 'company' ? '' : ` in ${scopeText(award.scope)}`}
          {award.type === 'title_awarded' && award.previous_holder_handle !== null ? (
            <>
              {' from '}
              <Link to="/people/$userId" params={{ userId: award.previous_holder ?? '' }} className="award__link">
                {award.previous_holder_handle}
              </Link>
            </>
          ) : null}
        </p>
        <p className="award__why">
          {award.value === null ? '' : `${isWin ? 'With' : 'At'} ${valueText(award.value, award.unit)}`}
          {award.runner_up === null || !isWin ? '' : `, the next had ${valueText(award.runner_up, award.unit)}`}
          {award.value === null ? capital(reasonText(award.reason)) : `; ${reasonText(award.reason)}`}. {evidence ?? ''}
        </p>
      </div>
      <time className="award__when" dateTime={award.evaluated_at} title={instantText(award.evaluated_at)}>
        {agoText(award.evaluated_at, now)}
      </time>
    </li>
  );
}

function Who({ award }: { readonly award: Award }) {
  if (award.user_id === null) return <span className="award__hidden">Somebody who is hidden</span>;
  return (
    <Link to="/people/$userId" params={{ userId: award.user_id }} className="award__link">
      {award.name ?? award.handle}
    </Link>
  );
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
