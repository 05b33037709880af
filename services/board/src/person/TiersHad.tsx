import type { TierHeld, TitleRule } from '../api/answers.js';
import { TierMedal } from '../titles/TierMedal.js';
import { dateText } from '../words/times.js';
import { highestFirst, tierNames } from '../words/tiers.js';
import { scopeText } from '../words/titles.js';

interface TiersHadProps {
  readonly tiers: readonly TierHeld[];
  readonly titles: readonly TitleRule[];
}

/** The tiers that a person has now, the highest first. */
export function TiersHad({ tiers, titles }: TiersHadProps) {
  if (tiers.length === 0) return null;
  return (
    <ul className="person__held" aria-label="Tiers reached">
      {highestFirst(tiers).map(({ title_id: id, scope, tier, since, award_id: award }) => (
        <li key={award} className={`tier tier--${tier}`} title={`Since ${dateText(since)}`}>
          <TierMedal tier={tier} /> <strong>{tierNames[tier]}</strong> {titles.find((one) => one.id === id)?.name ?? id}
          {scope === 'company' ? null : ` in ${scopeText(scope)}`}
        </li>
      ))}
    </ul>
  );
}
