import { Popover } from '@base-ui/react/popover';
import { useState } from 'react';
import type { BoardEntry } from '../api/answers.js';
import { PersonName } from '../shell/PersonName.js';
import { me, useMaySayWho, useMe } from '../viewer/me.js';
import {
  costText,
  shareText,
  tokenKindNames,
  tokenKinds,
  tokensByKind,
  unpricedText,
  usdText,
  wholeText,
} from '../words/numbers.js';

/** What any row's button opens: one popup for all of them. */
export const rowDetails = (): Popover.Handle<BoardEntry> => Popover.createHandle<BoardEntry>();

const precisionWords = {
  exact: undefined,
  rounded: 'This person shows figures rounded down to two digits.',
  bands: 'This person shows only the power of ten that was reached.',
} as const;

export function RowDetails({ entry }: { readonly entry: BoardEntry | undefined }) {
  // It stays filled while it fades.
  const [last, setLast] = useState(entry);
  if (entry !== undefined && entry !== last) setLast(entry);
  const shown = entry ?? last;
  const own = useMe();
  const maySay = useMaySayWho();
  return (
    <Popover.Portal>
      <Popover.Positioner sideOffset={8} className="popup-place">
        <Popover.Popup className="card popover details">
          {shown === undefined ? null : (
            <>
              <Popover.Title className="popover__title">
                <PersonName person={shown} />
              </Popover.Title>
              <Popover.Description render={<div />} className="popover__text">
                <Kinds entry={shown} />
                {unpricedText(shown) === undefined ? null : <p className="details__note">{unpricedText(shown)}.</p>}
                {precisionWords[shown.figures] === undefined ? null : (
                  <p className="details__note">{precisionWords[shown.figures]}</p>
                )}
              </Popover.Description>
              {own === shown.user_id || !maySay ? null : (
                <button
                  type="button"
                  className="button button--quiet details__me"
                  onClick={() => me.set(shown.user_id)}
                >
                  This is me
                </button>
              )}
            </>
          )}
        </Popover.Popup>
      </Popover.Positioner>
    </Popover.Portal>
  );
}

function Kinds({ entry }: { readonly entry: BoardEntry }) {
  const tokens = tokensByKind(entry);
  const all = tokenKinds.reduce((sum, kind) => sum + tokens[kind], 0);
  const saved = Number(entry.cache_saving_usd);
  return (
    <dl className="kinds">
      {tokenKinds.map((kind) => (
        <div key={kind} className="kinds__row">
          <dt>
            <span className={`dot kind--${kind}`} aria-hidden /> {tokenKindNames[kind]}
          </dt>
          <dd>{wholeText(tokens[kind])}</dd>
          <dd className="kinds__share">{all === 0 ? '–' : shareText(tokens[kind] / all)}</dd>
        </div>
      ))}
      <div className="kinds__row kinds__row--sum">
        <dt>All tokens</dt>
        <dd>{wholeText(entry.total_tokens)}</dd>
        <dd className="kinds__share" />
      </div>
      <div className="kinds__row">
        <dt>Calls</dt>
        <dd>{wholeText(entry.events)}</dd>
        <dd className="kinds__share" />
      </div>
      <div className="kinds__row">
        <dt>Cost by list prices</dt>
        <dd>{costText(entry)}</dd>
        <dd className="kinds__share" />
      </div>
      {saved > 0 ? (
        <div className="kinds__row">
          <dt>Saved by caching</dt>
          <dd>{usdText(saved)}</dd>
          <dd className="kinds__share" />
        </div>
      ) : null}
    </dl>
  );
}
