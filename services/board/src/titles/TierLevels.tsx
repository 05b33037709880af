import type { Title } from '../api/answers.js';
import { wholeText } from '../words/numbers.js';
import { keptText, levelText, tierNames } from '../words/tiers.js';
import { TierMedal } from './TierMedal.js';

/** What each tier of a title asks for, and how many people have it. */
export function TierLevels({ title }: { readonly title: Title }) {
  const { tiers } = title;
  if (tiers === null) return null;
  return (
    <section aria-label={`Tiers of ${title.name}`}>
      <h3 className="title-card__sub">Tiers, for everybody who is in the running</h3>
      <table className="levels">
        <thead>
          <tr>
            <th scope="col">Tier</th>
            <th scope="col">From</th>
            <th scope="col">People now</th>
          </tr>
        </thead>
        <tbody>
          {[...tiers.levels].reverse().map((level) => (
            <tr key={level.tier}>
              <th scope="row">
                <span className={`levels__tier tier--${level.tier}`}>
                  <TierMedal tier={level.tier} /> {tierNames[level.tier]}
                </span>
              </th>
              <td>{levelText(tiers, level, title.unit)}</td>
              <td>{wholeText(level.people)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="levels__kept">{keptText(tiers)}</p>
    </section>
  );
}
