import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Search, X } from 'lucide-react';
import { memo, useEffect, useMemo, useRef, useState } from 'react';
import { boardMetrics, boardWindows } from '../api/answers.js';
import { teams as teamsQuery, type BoardChoice } from '../api/queries.js';
import { boardDefaults, type BoardSearch } from '../router.js';
import { Choice } from '../shell/Choice.js';
import { Finder, Picker } from '../shell/Picker.js';
import { metricNames, windowNames } from '../words/metrics.js';

/** How long after the last key a search begins, in ms. */
const SEARCH_AFTER_MS = 200;
/** No team's name: those have at least one byte. */
const COMPANY = '';
const byName = new Intl.Collator();

export const BoardToolbar = memo(function BoardToolbar({ choice }: { readonly choice: BoardChoice }) {
  const navigate = useNavigate({ from: '/' });
  const change = (next: BoardSearch): void => {
    void navigate({
      to: '/',
      search: (before) => ({ ...before, ...next }),
      replace: true,
      resetScroll: false,
    });
  };
  const [isSought, setSought] = useState(false);
  // Thousands in a large company, which most visitors never ask for.
  const teams = useQuery({ ...teamsQuery('30d'), enabled: isSought }).data?.teams;
  const options = useMemo(() => {
    const company = { value: COMPANY, name: 'Whole company' };
    const names = new Set([
      ...(teams ?? []).map(({ team }) => team),
      ...(choice.team === undefined ? [] : [choice.team]),
    ]);
    return [company, ...[...names].sort(byName.compare).map((team) => ({ value: team, name: team }))];
  }, [teams, choice.team]);
  return (
    <div className="toolbar" role="search" aria-label="What the board shows">
      <Choice
        label="Window"
        value={choice.window}
        options={boardWindows}
        names={windowNames}
        onChange={(window) => change({ window: window === boardDefaults.window ? undefined : window })}
      />
      <div className="toolbar__pickers">
        <Picker
          label="Ranked by"
          value={choice.metric}
          options={boardMetrics.map((metric) => ({ value: metric, name: metricNames[metric] }))}
          onChange={(metric) => change({ metric: metric === boardDefaults.metric ? undefined : metric })}
        />
        <Finder
          label="Team"
          value={choice.team ?? COMPANY}
          options={options}
          isReading={teams === undefined}
          onSeek={() => setSought(true)}
          onChange={(team) => change({ team: team === COMPANY ? undefined : team })}
        />
      </div>
      <Find q={choice.q} onFind={(q) => change({ q })} />
    </div>
  );
});

interface FindProps {
  readonly q: string | undefined;
  readonly onFind: (q: string | undefined) => void;
}

function Find({ q, onFind }: FindProps) {
  const [text, setText] = useState(q ?? '');
  const input = useRef<HTMLInputElement>(null);
  const told = useRef(q);
  // Changed elsewhere, as by going back.
  useEffect(() => {
    if (q !== told.current) setText(q ?? '');
    told.current = q;
  }, [q]);
  useEffect(() => {
    const wanted = text.trim() === '' ? undefined : text.trim();
    if (wanted === told.current) return undefined;
    const timer = setTimeout(() => {
      told.current = wanted;
      onFind(wanted);
    }, SEARCH_AFTER_MS);
    return () => clearTimeout(timer);
  }, [text, onFind]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isTyping = event.target instanceof HTMLElement && event.target.closest('input, textarea, select') !== null;
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  return (
    <div className="find">
      <Search aria-hidden size={16} className="find__icon" />
      <input
        ref={input}
        type="search"
        className="find__input"
        placeholder="Find a handle"
        aria-label="Find somebody by a part of their handle"
        aria-keyshortcuts="/"
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') setText('');
        }}
      />
      {text === '' ? (
        <kbd className="find__key" aria-hidden>
          /
        </kbd>
      ) : (
        <button type="button" className="find__clear" aria-label="Show everybody again" onClick={() => setText('')}>
          <X aria-hidden size={14} />
        </button>
      )}
    </div>
  );
}
