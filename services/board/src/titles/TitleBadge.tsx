import './badge.css';
import { Tooltip } from '@base-ui/react/tooltip';
import type { PersonTrend, TitleRule } from '../api/answers.js';
import { tierNames } from '../words/tiers.js';
import { scopeText } from '../words/titles.js';
import { TierMedal } from './TierMedal.js';
import { TitleIcon, titleTone } from './TitleIcon.js';

/** That somebody holds a title; the name on pointing at it, and for whoever can't see it. */
export function TitleBadge({ title }: { readonly title: TitleRule }) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger
        render={<span className={`badge badge--${titleTone(title)}`} role="img" aria-label={title.name} />}
      >
        <TitleIcon title={title} size={14} />
      </Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Positioner sideOffset={6} className="popup-place">
          <Tooltip.Popup className="tip">{title.name}</Tooltip.Popup>
        </Tooltip.Positioner>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}

interface TiersBadgeProps {
  readonly trend: PersonTrend;
  readonly names: ReadonlyMap<string, string>;
}

/** The highest tier that somebody has; which, and which others, on pointing at it. */
export function TiersBadge({ trend: { tiers, tier_count: count }, names }: TiersBadgeProps) {
  const [highest] = tiers;
  if (highest === undefined) return null;
  const words = [
    ...tiers.map(
      ({ title_id: id, scope, tier }) =>
        `${tierNames[tier]} in ${names.get(id) ?? id}${scope === 'company' ? '' : ` (${scopeText(scope)})`}`,
    ),
    ...(count > tiers.length ? [`and ${count - tiers.length} more`] : []),
  ];
  return (
    <Tooltip.Root>
      <Tooltip.Trigger
        render={<span className={`badge badge--tier tier--${highest.tier}`} role="img" aria-label={words.join(', ')} />}
      >
        <TierMedal tier={highest.tier} size={15} />
        {count > 1 ? <span aria-hidden>{count}</span> : null}
      </Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Positioner sideOffset={6} className="popup-place">
          <Tooltip.Popup className="tip">
            {words.map((one) => (
              <span key={one} className="tip__line">
                {one}
              </span>
            ))}
          </Tooltip.Popup>
        </Tooltip.Positioner>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}
