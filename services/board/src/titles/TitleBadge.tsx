import './badge.css';
import { Tooltip } from '@base-ui/react/tooltip';
import type { PersonTrend, TitleRule } from '../api/answers.js';
import { tierNames } from '../words/tiers.js';
import { scopeText } from '../words/titles.js';
import { TierMedal } from './TierMedal.js';
import { TitleIcon, titleTone } from './TitleIcon.js';

/** What any badge's tip says, in lines: one popup for all of them, as a board has hundreds of badges. */
export type BadgeTips = Tooltip.Handle<readonly string[]>;
export const badgeTips = (): BadgeTips => Tooltip.createHandle<readonly string[]>();

export function BadgeTip({ tips }: { readonly tips: BadgeTips }) {
  return (
    <Tooltip.Root handle={tips}>
      {({ payload }: { payload: readonly string[] | undefined }) => (
        <Tooltip.Portal>
          <Tooltip.Positioner sideOffset={6} className="popup-place">
            <Tooltip.Popup className="tip">
              {payload?.map((line) => (
                <span key={line} className="tip__line">
                  {line}
                </span>
              ))}
            </Tooltip.Popup>
          </Tooltip.Positioner>
        </Tooltip.Portal>
      )}
    </Tooltip.Root>
  );
}

interface TitleBadgeProps {
  readonly title: TitleRule;
  readonly tips: BadgeTips;
}

/** That somebody holds a title; the name on pointing at it, and for whoever can't see it. */
export function TitleBadge({ title, tips }: TitleBadgeProps) {
  return (
    <Tooltip.Trigger
      handle={tips}
      payload={[title.name]}
      render={<span className={`badge badge--${titleTone(title)}`} role="img" aria-label={title.name} />}
    >
      <TitleIcon title={title} size={14} />
    </Tooltip.Trigger>
  );
}

interface TiersBadgeProps {
  readonly trend: PersonTrend;
  readonly names: ReadonlyMap<string, string>;
  readonly tips: BadgeTips;
}

/** The highest tier that somebody has; which, and which others, on pointing at it. */
export function TiersBadge({ trend: { tiers, tier_count: count }, names, tips }: TiersBadgeProps) {
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
    <Tooltip.Trigger
      handle={tips}
      payload={words}
      render={<span className={`badge badge--tier tier--${highest.tier}`} role="img" aria-label={words.join(', ')} />}
    >
      <TierMedal tier={highest.tier} size={15} />
      {count > 1 ? <span aria-hidden>+{count - 1}</span> : null}
    </Tooltip.Trigger>
  );
}
