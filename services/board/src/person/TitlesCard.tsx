import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { PersonTitle, Tier, TierHeld, TitleRule } from '../api/answers.js';
import { personTitles, titleRules } from '../api/queries.js';
import { Bone, Failed } from '../shell/states.js';
import { TitleIcon, titleTone } from '../titles/TitleIcon.js';
import { TierLadder } from '../titles/TierLadder.js';
import { valueText } from '../words/numbers.js';
import { nextTierText, tierNames } from '../words/tiers.js';
import { distanceText, evidenceText, progressOf, scopeText } from '../words/titles.js';
import { Card } from '../shell/Card.js';

interface TitlesCardProps {
  readonly userId: string;
  /** Those that the person has; undefined while they are read. */
  readonly tiers: readonly TierHeld[] | undefined;
}

/** How far the person is from each title and the next tier, and why. */
export function TitlesCard({ userId, tiers }: TitlesCardProps) {
  const query = useQuery(personTitles(userId));
  const known = useQuery(titleRules()).data?.titles;
  return (
    <Card title="Titles" about="and what they take" className="panel--titles">
      {query.data === undefined || known === undefined ? (
        query.error === null ? (
          <Bone width="100%" height={430} />
        ) : (
          <Failed error={query.error} onRetry={() => void query.refetch()} />
        )
      ) : (
        <ul className="ways">
          {query.data.titles.map((own) => {
            const title = known.find(({ id }) => id === own.title_id);
            const held = tiers?.find(({ title_id: id, scope }) => id === own.title_id && scope === own.scope);
            return title === undefined ? null : (
              <Way key={`${own.title_id} ${own.scope}`} own={own} title={title} tier={held?.tier} />
            );
          })}
        </ul>
      )}
    </Card>
  );
}

interface WayProps {
  readonly own: PersonTitle;
  readonly title: TitleRule;
  readonly tier: Tier | undefined;
}

function Way({ own, title, tier }: WayProps) {
  const evidence = evidenceText(title.metric, own.evidence);
  return (
    <li className={`way tone--${titleTone(title)}`}>
      <div className="way__head">
        <span className={`badge badge--${titleTone(title)}`} aria-hidden>
          <TitleIcon title={title} size={14} />
        </span>
        <h3>
          <Link to="/titles" search={{ scope: own.scope === 'company' ? undefined : own.scope }} hash={title.id}>
            {title.name}
          </Link>
          {own.scope === 'company' ? null : <span className="way__scope"> in {scopeText(own.scope)}</span>}
        </h3>
        <strong className="way__value">{own.value === 0 ? '–' : valueText(own.value, own.unit)}</strong>
      </div>
      <div
        className="way__bar"
        role="progressbar"
        aria-label={`On the way to ${title.name}`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(progressOf(own) * 100)}
      >
        <span style={{ width: `${progressOf(own) * 100}%` }} />
      </div>
      <p className="way__distance">{distanceText(own)}</p>
      {evidence === undefined ? null : <p className="way__evidence">{evidence}</p>}
      {title.tiers === null ? null : (
        <div className="way__tiers">
          <TierLadder tiers={title.tiers} unit={own.unit} held={tier} />
          <p className="way__distance">
            {tier === undefined ? 'No tier yet. ' : `${tierNames[tier]} tier. `}
            {nextTierText(title.tiers, tier, own)}
          </p>
        </div>
      )}
    </li>
  );
}
