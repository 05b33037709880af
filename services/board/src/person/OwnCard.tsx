import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import { useState } from 'react';
import type { PersonUsage } from '../api/answers.js';
import { RequestFailed } from '../api/client.js';
import { awards, personHistory, personSessions, personTitles, personUsage, session } from '../api/queries.js';
import { Card } from '../shell/Card.js';
import { Bone } from '../shell/states.js';
import { signInAddress, useChooser } from '../viewer/me.js';
import { ChoiceForm } from './ChoiceForm.js';
import { daysCsv, download } from './download.js';

/** What the viewer shows of themselves, what is kept of them, and how to have it. */
export function OwnCard({ person }: { readonly person: PersonUsage }) {
  const { user_id: id } = person;
  return (
    <Card title="You, and what others see" className="panel--own">
      <div className="own-card">
        <section className="own-card__choice">
          <h3>How you are shown</h3>
          <OwnChoice userId={id} />
        </section>
        <section>
          <h3>What is stored</h3>
          <p>
            Of each call: when, which tool, session, model and provider, whether it succeeded, how many tokens of each
            class, what it cost, your team, and what the tool itself adds as attributes. There is no place for a prompt,
            an answer or a file. All of it is under the pseudonym <code>{id}</code>.
          </p>
          <p>To have it erased, and all titles given back:</p>
          <ul className="own-card__ways">
            <Command name="Forget me" command={`laurel forget ${id}`} />
          </ul>
        </section>
        <section>
          <h3>Your data</h3>
          <p>All that the pages show of you, as others see it.</p>
          <Downloads person={person} />
        </section>
      </div>
    </Card>
  );
}

/** The form; or, where it is not known who the viewer is, how they can say so, or how the choice is entered for them. */
export function OwnChoice({ userId }: { readonly userId: string }) {
  const chooser = useChooser();
  const { data } = useQuery(session());
  if (data === undefined) return <Bone width="100%" height={240} />;
  if (chooser !== undefined) return <ChoiceForm chooser={chooser} />;
  const { sign_in_url: signInUrl } = data;
  return (
    <>
      <p>
        You can be shown by name, by handle, or not at all, and with exact figures, rounded ones, or bands. The choice
        is yours.
        {signInUrl === null ? ' As nobody signs in here, whoever runs Laurel enters it for you:' : null}
      </p>
      {signInUrl === null ? (
        <ul className="own-card__ways">
          <Command name="Hide me" command={`laurel people set ${userId} --visibility hidden`} />
          <Command name="Show me by my handle" command={`laurel people set ${userId} --visibility handle`} />
          <Command name="Round my figures" command={`laurel people set ${userId} --figures rounded`} />
        </ul>
      ) : (
        <a className="button own-card__sign-in" href={signInAddress(signInUrl)}>
          Sign in to choose
        </a>
      )}
    </>
  );
}

function Command({ name, command }: { readonly name: string; readonly command: string }) {
  return (
    <li>
      <span>{name}</span>
      <code>{command}</code>
    </li>
  );
}

type Status = 'idle' | 'reading' | 'failed';

function Downloads({ person }: { readonly person: PersonUsage }) {
  const client = useQueryClient();
  const [status, setStatus] = useState<Status>('idle');
  const save = (what: () => Promise<void>): void => {
    setStatus('reading');
    what().then(
      () => setStatus('idle'),
      (error: unknown) => {
        setStatus('failed');
        if (!(error instanceof RequestFailed)) throw error;
      },
    );
  };
  const id = person.user_id;
  const ofAllTime = () => client.query(personUsage(id, 'all'));
  const saveJson = async (): Promise<void> => {
    const [usage, history, sessions, titles, won] = await Promise.all([
      ofAllTime(),
      client.query(personHistory(id, 'all')),
      client.query(personSessions(id, 'all')),
      client.query(personTitles(id)),
      client.query(awards({ user: id, limit: 1000 })),
    ]);
    const all = { usage, history, sessions, titles: titles.titles, awards: won.awards };
    download(`laurel-${person.handle}.json`, 'application/json', `${JSON.stringify(all, null, 2)}\n`);
  };
  const saveCsv = async (): Promise<void> =>
    download(`laurel-${person.handle}-days.csv`, 'text/csv', daysCsv((await ofAllTime()).days));
  return (
    <div className="own-card__downloads">
      <button type="button" className="button" disabled={status === 'reading'} onClick={() => save(saveJson)}>
        <Download aria-hidden size={16} /> Everything, as JSON
      </button>
      <button type="button" className="button" disabled={status === 'reading'} onClick={() => save(saveCsv)}>
        <Download aria-hidden size={16} /> Days, as CSV
      </button>
      <p role="status" className="own-card__soft">
        {status === 'failed' ? 'It can’t be read at the moment; nothing was saved.' : ''}
      </p>
    </div>
  );
}
