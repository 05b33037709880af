import {
  CalendarCheck,
  Coins,
  Crown,
  Flame,
  Gem,
  GitMerge,
  Hammer,
  Infinity as Endless,
  Leaf,
  PiggyBank,
  Trophy,
  WandSparkles,
} from 'lucide-react';
import type { TitleRule } from '../api/answers.js';

const icons: Readonly<Record<string, typeof Trophy>> = {
  capped_tokens: Crown,
  effective_models: Gem,
  cache_share: WandSparkles,
  longest_session: Endless,
  list_cost: Coins,
  cache_saving: PiggyBank,
  active_days: CalendarCheck,
  longest_streak: Flame,
  outcomes: GitMerge,
  outcomes_per_usd: Hammer,
  thrift_gain: Leaf,
};

/** The rule's own icon, or one for what it measures. */
export function TitleIcon({
  title,
  size = 16,
}: {
  readonly title: Pick<TitleRule, 'icon' | 'metric'>;
  readonly size?: number;
}) {
  if (title.icon !== null) {
    return (
      <span className="title-icon__own" aria-hidden>
        {title.icon}
      </span>
    );
  }
  const Icon = icons[title.metric.kind] ?? Trophy;
  return <Icon size={size} aria-hidden />;
}

/** One of five looks, so that a title is known by its colour; a title keeps it as long as it measures the same. */
export const titleTone = ({ metric }: Pick<TitleRule, 'metric'>): string => tones[metric.kind] ?? 'gold';

const tones: Readonly<Record<string, string>> = {
  capped_tokens: 'gold',
  effective_models: 'violet',
  cache_share: 'green',
  longest_session: 'blue',
  list_cost: 'gold',
  cache_saving: 'green',
  active_days: 'blue',
  longest_streak: 'red',
  outcomes: 'red',
  outcomes_per_usd: 'red',
  thrift_gain: 'green',
};
