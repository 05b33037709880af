import type { Tier, Tiers } from '../api/answers.js';
import { levelText, tierNames, tierRank } from '../words/tiers.js';
import { TierMedal } from './TierMedal.js';

interface TierLadderProps {
  readonly tiers: Tiers;
  readonly unit: string;
  readonly held: Tier | undefined;
}

/** All tiers of a title, and which of them somebody has behind them. */
export function TierLadder({ tiers, unit, held }: TierLadderProps) {
  return (
    <ol className="ladder" aria-label="Tiers">
      {tiers.levels.map((level) => {
        const isReached = held !== undefined && tierRank(level.tier) <= tierRank(held);
        return (
          <li
            key={level.tier}
            className={`ladder__step tier--${level.tier} ${isReached ? 'ladder__step--reached' : ''}`}
          >
            <span className="ladder__name">
              <TierMedal tier={level.tier} size={13} />
              {tierNames[level.tier]}
              {isReached ? <span className="only-heard"> reached</span> : null}
            </span>
            <span className="ladder__at">{levelText(tiers, level, unit)}</span>
          </li>
        );
      })}
    </ol>
  );
}
