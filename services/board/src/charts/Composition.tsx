import './charts.css';
import type { TokenFigures } from '../api/answers.js';
import { tokenKinds, tokensByKind } from '../words/numbers.js';

/** What tokens are made of, as parts of one bar. */
export function Composition({ figures, share = 1 }: { readonly figures: TokenFigures; readonly share?: number }) {
  const tokens = tokensByKind(figures);
  const all = tokenKinds.reduce((sum, kind) => sum + tokens[kind], 0);
  return (
    <span className="made" aria-hidden>
      <span className="made__bar" style={{ width: `${Math.max(0.015, share) * 100}%` }}>
        {all === 0
          ? null
          : tokenKinds.map((kind) =>
              tokens[kind] === 0 ? null : (
                <span key={kind} className={`made__part kind--${kind}`} style={{ flexGrow: tokens[kind] / all }} />
              ),
            )}
      </span>
    </span>
  );
}
