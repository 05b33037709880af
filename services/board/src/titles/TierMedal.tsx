import './tier.css';
import type { Tier } from '../api/answers.js';

/** A tier's colour in a shape of its own, so that it is not told by colour alone: one stripe for each step up. */
export function TierMedal({ tier, size = 16 }: { readonly tier: Tier; readonly size?: number }) {
  return (
    <svg className={`medal medal--${tier}`} width={size} height={size} viewBox="0 0 16 16" aria-hidden>
      <path className="medal__face" d="M8 .8 14.4 4v5.2c0 3-2.6 5-6.4 6-3.8-1-6.4-3-6.4-6V4z" />
      <path className="medal__mark" d="M4.6 9.4 8 6.2l3.4 3.2" />
    </svg>
  );
}
