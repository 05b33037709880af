import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useId, useState } from 'react';
import type { OwnChange, OwnChoice, Precision } from '../api/answers.js';
import { RequestFailed, send } from '../api/client.js';
import { OWN_CHOICE_PATH, ownChoice } from '../api/queries.js';
import { Bone, Failed } from '../shell/states.js';
import type { Chooser } from '../viewer/me.js';

type Visibility = OwnChoice['visibility'];

const visibilityWords: Readonly<Record<Visibility, readonly [name: string, note: string]>> = {
  handle: ['By handle', 'and by nothing else'],
  name: ['By name', 'beside the handle, as names need not be unique'],
  hidden: ['Not at all', 'in no list and with no title; you still count in sums that give nobody away'],
};

const figuresWords: Readonly<Record<Precision, readonly [name: string, note: string]>> = {
  exact: ['Exact', 'as they are'],
  rounded: ['Rounded', 'down to two digits: 1,299,999 is shown as 1,200,000'],
  bands: ['In bands', 'the power of ten that was reached: 1,000,000 stands for all up to 10,000,000'],
};

type Outcome =
  { readonly kind: 'none' | 'saving' | 'saved' | 'same' } | { readonly kind: 'failed'; readonly error: Error };

const saidOf: Readonly<Record<Exclude<Outcome['kind'], 'failed'>, string>> = {
  none: '',
  saving: 'Saving …',
  saved: 'Saved. It holds everywhere.',
  same: 'It is so already.',
};

/** How the viewer is shown to others, for them to choose. */
export function ChoiceForm({ chooser }: { readonly chooser: Chooser }) {
  const { data, error, refetch } = useQuery(ownChoice(chooser.user));
  if (data !== undefined) return <Form chooser={chooser} choice={data} />;
  return error === null ? <Bone width="100%" height={240} /> : <Failed error={error} onRetry={() => void refetch()} />;
}

function Form({ chooser, choice }: { readonly chooser: Chooser; readonly choice: OwnChoice }) {
  const client = useQueryClient();
  const [draft, setDraft] = useState<OwnChange>({});
  const [outcome, setOutcome] = useState<Outcome>({ kind: 'none' });
  const { visibility, figures, name, handle } = { ...choice, ...draft };
  const change = (what: OwnChange): void => {
    setDraft((before) => ({ ...before, ...what }));
    setOutcome({ kind: 'none' });
  };

  const save = (method: 'PATCH' | 'DELETE', body?: OwnChange): void => {
    setOutcome({ kind: 'saving' });
    send<OwnChoice>(method, OWN_CHOICE_PATH, { user: chooser.user }, chooser.csrfToken, body).then(
      (saved) => {
        client.setQueryData(ownChoice(chooser.user).queryKey, saved);
        setDraft({});
        setOutcome({ kind: 'saved' });
        void client.invalidateQueries({ queryKey: ['figures'] });
        void client.invalidateQueries({ queryKey: ['awards'] });
      },
      (error: unknown) => {
        if (!(error instanceof Error)) throw error;
        setOutcome({ kind: 'failed', error });
      },
    );
  };
  const submit = (): void => {
    const changed = Object.fromEntries(
      Object.entries(draft).filter(([field, value]) => value !== choice[field as keyof OwnChange]),
    ) as OwnChange;
    if (Object.keys(changed).length === 0) setOutcome({ kind: 'same' });
    else save('PATCH', changed);
  };

  const faults = faultsOf(outcome);
  return (
    <form
      className="choose"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (outcome.kind !== 'saving') submit();
      }}
    >
      <Picks
        legend="Others see you"
        words={visibilityWords}
        value={visibility}
        onChange={(next) => change({ visibility: next })}
      />
      <Picks
        legend="And your figures"
        words={figuresWords}
        value={figures}
        onChange={(next) => change({ figures: next })}
      />
      <div className="choose__texts">
        <Text
          label="Handle"
          value={handle ?? ''}
          placeholder={choice.generated_handle}
          fault={faults.handle}
          onChange={(text) => change({ handle: text === '' ? null : text })}
        />
        {visibility === 'name' ? (
          <Text
            label="Name"
            value={name ?? ''}
            fault={faults.name}
            onChange={(text) => change({ name: text === '' ? null : text })}
          />
        ) : null}
      </div>
      <div className="choose__do">
        <button type="submit" className="button button--main">
          Save
        </button>
        {choice.chosen_by === null ? null : (
          <button type="button" className="button button--quiet" onClick={() => save('DELETE')}>
            Back to the company’s default
          </button>
        )}
        <p role="status" className={outcome.kind === 'failed' ? 'choose__fault' : 'own-card__soft'}>
          {outcome.kind === 'failed' ? (faults.other ?? 'Not saved: see above.') : saidOf[outcome.kind]}
        </p>
      </div>
    </form>
  );
}

interface PicksProps<T extends string> {
  readonly legend: string;
  readonly words: Readonly<Record<T, readonly [name: string, note: string]>>;
  readonly value: T;
  readonly onChange: (value: T) => void;
}

function Picks<T extends string>({ legend, words, value, onChange }: PicksProps<T>) {
  const group = useId();
  return (
    <fieldset className="picks">
      <legend>{legend}</legend>
      {(Object.entries(words) as [T, readonly [string, string]][]).map(([one, [name, note]]) => (
        <label key={one} className="picks__one">
          <input type="radio" name={group} checked={value === one} onChange={() => onChange(one)} />
          <span>
            {name} <span className="own-card__soft">{note}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

interface TextProps {
  readonly label: string;
  readonly value: string;
  readonly placeholder?: string;
  readonly fault: string | undefined;
  readonly onChange: (value: string) => void;
}

function Text({ label, value, placeholder, fault, onChange }: TextProps) {
  const id = useId();
  return (
    <div className="text">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="text"
        autoComplete="off"
        spellCheck={false}
        value={value}
        placeholder={placeholder}
        aria-invalid={fault !== undefined}
        aria-describedby={fault === undefined ? undefined : `${id}-fault`}
        onChange={(event) => onChange(event.target.value)}
      />
      {fault === undefined ? null : (
        <p id={`${id}-fault`} className="choose__fault">
          {fault}
        </p>
      )}
    </div>
  );
}

interface Faults {
  readonly handle?: string | undefined;
  readonly name?: string | undefined;
  /** Of no field that is shown. */
  readonly other?: string | undefined;
}

function faultsOf(outcome: Outcome): Faults {
  if (outcome.kind !== 'failed') return {};
  const { error } = outcome;
  if (!(error instanceof RequestFailed)) return { other: error.message };
  if (error.code === 'handle_taken') return { handle: sentence(error.message) };
  const of = (field: string): string | undefined => {
    const found = error.faults.find(({ parameter }) => parameter === field);
    return found === undefined ? undefined : sentence(found.detail);
  };
  const [handle, name] = [of('handle'), of('name')];
  return handle === undefined && name === undefined ? { other: `Not saved: ${error.message}` } : { handle, name };
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
