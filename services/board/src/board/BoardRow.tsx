import { Popover } from '@base-ui/react/popover';
import { Link } from '@tanstack/react-router';
import { ChevronDown, ChevronUp } from 'lucide-react';
import { memo } from 'react';
import type { BoardEntry, BoardMetric, PersonTrend, Title } from '../api/answers.js';
import { Composition } from '../charts/Composition.js';
import { Sparkline } from '../charts/Sparkline.js';
import { Avatar } from '../shell/Avatar.js';
import { PersonName } from '../shell/PersonName.js';
import { Bone } from '../shell/states.js';
import { TiersBadge, TitleBadge, type BadgeTips } from '../titles/TitleBadge.js';
import { fullMetricText, metricText, movementOf } from '../words/metrics.js';
import { cacheShareOf, costText, shareText, unpricedText } from '../words/numbers.js';

interface PlaceProps {
  /** From 0. */
  readonly index: number;
  /** In px from the first row's top. */
  readonly top: number;
}

interface BoardRowProps extends PlaceProps {
  readonly entry: BoardEntry;
  readonly metric: BoardMetric;
  readonly best: number;
  readonly trend: PersonTrend | undefined;
  readonly titles: readonly Title[];
  /** Of all titles, by their ids. */
  readonly titleNames: ReadonlyMap<string, string>;
  readonly isMe: boolean;
  /** Whether the tab key stops here; the arrow keys lead to the others. */
  readonly isCurrent: boolean;
  readonly details: Popover.Handle<BoardEntry>;
  readonly tips: BadgeTips;
}

const medals = ['gold', 'silver', 'bronze'] as const;

export const BoardRow = memo(function BoardRow(props: BoardRowProps) {
  const { index, top, entry, metric, best, trend, titles, titleNames, isMe, isCurrent, details, tips } = props;
  const cached = cacheShareOf(entry);
  const medal = medals[entry.rank - 1];
  const tabIndex = isCurrent ? 0 : -1;
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      data-index={index}
      className={`row ${isMe ? 'row--me' : ''}`}
      style={{ transform: `translateY(${top}px)` }}
    >
      <span role="gridcell" className={`row__rank ${medal === undefined ? '' : `row__rank--${medal}`}`}>
        {entry.rank}
      </span>
      <span role="gridcell" className="row__move">
        <Movement entry={entry} />
      </span>
      <span role="gridcell" className="row__person">
        <Avatar userId={entry.user_id} size={32} />
        <span className="row__who">
          <Link to="/people/$userId" params={{ userId: entry.user_id }} className="row__link" tabIndex={tabIndex}>
            <PersonName person={entry} />
          </Link>
          <span className="row__team">
            {isMe ? <span className="row__you">You</span> : null}
            {entry.teams.join(', ')}
          </span>
        </span>
      </span>
      <span role="gridcell" className="row__titles">
        {titles.map((title) => (
          <TitleBadge key={title.id} title={title} tips={tips} />
        ))}
        {trend === undefined ? null : <TiersBadge trend={trend} names={titleNames} tips={tips} />}
      </span>
      <span role="gridcell" className="row__value" title={fullMetricText(metric, entry.value)}>
        {entry.figures === 'exact' ? null : (
          <span className="row__about" title={entry.figures === 'rounded' ? 'Rounded' : 'At least'}>
            ≥
          </span>
        )}
        {metricText(metric, entry.value)}
      </span>
      <span role="gridcell" className="row__made">
        <Popover.Trigger
          handle={details}
          payload={entry}
          openOnHover
          delay={150}
          className="row__details"
          aria-label={`What ${entry.handle}’s tokens are made of`}
          tabIndex={tabIndex}
        >
          <Composition figures={entry} share={best === 0 ? 1 : Math.min(1, Number(entry.value) / best)} />
        </Popover.Trigger>
      </span>
      <span role="gridcell" className="row__cost" title={unpricedText(entry)}>
        {costText(entry)}
      </span>
      <span role="gridcell" className="row__cache">
        {cached === undefined ? '–' : shareText(cached)}
      </span>
      <span role="gridcell" className="row__models">
        {trend === undefined ? <Bone width="70%" /> : <Models trend={trend} />}
      </span>
      <span role="gridcell" className="row__trend">
        {trend === undefined ? (
          <Bone width={112} height={20} />
        ) : (
          <Sparkline days={trend.days} label={`Tokens of the last 30 days: ${trendText(trend)}`} />
        )}
      </span>
    </div>
  );
});

/** Holds the place of a row that is still being read. */
export function BoneRow({ index, top }: PlaceProps) {
  return (
    <div role="row" aria-rowindex={index + 2} className="row row--bone" style={{ transform: `translateY(${top}px)` }}>
      <span role="gridcell" className="row__rank">
        <Bone width={18} />
      </span>
      <span role="gridcell" className="row__move" />
      <span role="gridcell" className="row__person">
        <Bone width={32} height={32} />
        <span className="row__who">
          <Bone width={`${40 + ((index * 37) % 35)}%`} />
          <Bone width="30%" height={9} />
        </span>
      </span>
      <span role="gridcell" className="row__titles" />
      <span role="gridcell" className="row__value">
        <Bone width={56} />
      </span>
      <span role="gridcell" className="row__made">
        <Bone width="100%" height={8} />
      </span>
      <span role="gridcell" className="row__cost">
        <Bone width={40} />
      </span>
      <span role="gridcell" className="row__cache">
        <Bone width={28} />
      </span>
      <span role="gridcell" className="row__models">
        <Bone width="70%" />
      </span>
      <span role="gridcell" className="row__trend">
        <Bone width={112} height={20} />
      </span>
    </div>
  );
}

function Movement({ entry }: { readonly entry: BoardEntry }) {
  const moved = movementOf(entry);
  if (moved === null) {
    return (
      <span className="move move--new" title="Was not on this board yesterday">
        new
      </span>
    );
  }
  if (moved === 0) {
    return (
      <span className="move move--same" title="The same place as yesterday">
        <span aria-hidden>–</span>
        <span className="only-heard">unchanged</span>
      </span>
    );
  }
  const Arrow = moved > 0 ? ChevronUp : ChevronDown;
  return (
    <span className={`move ${moved > 0 ? 'move--up' : 'move--down'}`} title="Places since yesterday">
      <Arrow aria-hidden size={14} strokeWidth={3} />
      <span className="only-heard">{moved > 0 ? 'up' : 'down'} </span>
      {Math.abs(moved)}
    </span>
  );
}

function Models({ trend }: { readonly trend: PersonTrend }) {
  const [first] = trend.families;
  if (first === undefined) return <span>–</span>;
  const others = trend.family_count - 1;
  return (
    <span
      className="models"
      title={trend.families.map(({ family, share }) => `${family} ${shareText(share)}`).join('\n')}
    >
      <span className="models__first">{first.family}</span>
      {others > 0 ? <span className="models__more">+{others}</span> : null}
    </span>
  );
}

/** "rising" or "falling", by the last week and the one before it. */
function trendText({ days }: PersonTrend): string {
  const sum = (some: readonly string[]): number => some.reduce((total, one) => total + Number(one), 0);
  const [now, before] = [sum(days.slice(-7)), sum(days.slice(-14, -7))];
  if (now > before * 1.1) return 'rising';
  return now < before * 0.9 ? 'falling' : 'steady';
}
