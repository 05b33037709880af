import { useLive } from '../live/LiveProvider.js';
import type { LiveState } from '../live/live.js';

const words: Readonly<Record<LiveState, string>> = {
  connecting: 'Connecting',
  live: 'Live',
  away: 'Figures away',
};

/** Whether what is shown is kept up to date. */
export function LiveLight() {
  const { state } = useLive();
  return (
    <span className={`live live--${state}`} role="status">
      <span className="live__dot" aria-hidden />
      <span className="live__word">{words[state]}</span>
    </span>
  );
}
