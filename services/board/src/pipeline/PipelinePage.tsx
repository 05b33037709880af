import './pipeline.css';
import { useQuery } from '@tanstack/react-query';
import { CircleCheck, TriangleAlert } from 'lucide-react';
import type { Operations } from '../api/answers.js';
import { operations } from '../api/queries.js';
import { Card } from '../shell/Card.js';
import { Bone, Failed, Nothing, Stale } from '../shell/states.js';
import { useNow } from '../shell/use-now.js';
import { shareText, shortText, wholeText } from '../words/numbers.js';
import { agoText, dayText, instantText } from '../words/times.js';
import { signalNames } from '../words/titles.js';
import { AuditCard } from './AuditCard.js';

/** More than this waiting is pointed out: at the usual load it is some seconds' worth. */
const MANY_WAITING = 50_000;

/** How the pipeline is, for whoever runs it. */
export function PipelinePage() {
  const query = useQuery(operations());
  const { data, error } = query;
  return (
    <div className="page pipeline">
      <title>Health · Laurel</title>
      <h1>Health</h1>
      <p className="page__about">
        What waits, what was stored and refused of late, how much stands out, and whether everything adds up.
      </p>
      {query.isError && data !== undefined ? <Stale sinceMs={query.dataUpdatedAt} /> : null}
      {data !== undefined ? (
        <Parts now={data} />
      ) : error === null ? (
        <Bone width="100%" height={420} />
      ) : (
        <Failed error={error} onRetry={() => void query.refetch()} />
      )}
    </div>
  );
}

function Parts({ now }: { readonly now: Operations }) {
  return (
    <div className="pipeline__grid">
      <Waiting now={now} />
      <Stored now={now} />
      <FairPlay now={now} />
      <AuditCard audit={now.audit} />
      <DeadLetters now={now} />
    </div>
  );
}

/** What each part of the pipeline takes from which topic. */
const parts: Readonly<Record<string, string>> = {
  'laurel-usage-ingest usage.events.v1': 'Events to be stored',
  'laurel-usage-ingest usage.outcomes.v1': 'Outcomes to be stored',
  'laurel-usage-projector usage.stored.v1': 'Announcements to be projected',
  'laurel-title-awarder usage.projected.v1': 'Changes to be evaluated',
  'laurel-award-notifier titles.awards.v1': 'Awards to be delivered',
};

function Waiting({ now: { lags } }: { readonly now: Operations }) {
  return (
    <Card title="Waiting" about="records behind, by part">
      <table className="figures-table">
        <thead>
          <tr>
            <th scope="col">Part</th>
            <th scope="col">Behind</th>
          </tr>
        </thead>
        <tbody>
          {lags.map(({ group, topic, behind }) => (
            <tr key={`${group} ${topic}`}>
              <th scope="row">
                {parts[`${group} ${topic}`] ?? topic}{' '}
                <span className="figures-table__soft pipeline__group">{group}</span>
              </th>
              <td>
                {behind === null ? (
                  <span className="figures-table__soft pipeline__never">not started yet</span>
                ) : (
                  <span className={behind > MANY_WAITING ? 'pipeline__many' : undefined}>{wholeText(behind)}</span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}

function Stored({ now: { newest_batch_at: newest, last_hour: hour, last_day: day } }: { readonly now: Operations }) {
  const nowMs = useNow(1000);
  const rows = [
    { name: 'Stored', of: (pace: Operations['last_day']) => pace.stored },
    { name: 'Repeated within a batch', of: (pace: Operations['last_day']) => pace.duplicates },
    { name: 'Refused', of: (pace: Operations['last_day']) => pace.dead },
  ];
  return (
    <Card title="Records" about={newest === null ? 'none yet' : `the newest ${agoText(newest, nowMs)}`}>
      <table className="figures-table">
        <thead>
          <tr>
            <th scope="col">What became of them</th>
            <th scope="col">In an hour</th>
            <th scope="col">In a day</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, of }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{shortText(of(hour))}</td>
              <td>{shortText(of(day))}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="pipeline__note">
        {day.dead === 0 ? (
          <>
            <CircleCheck aria-hidden size={16} /> Nothing was refused in a day.
          </>
        ) : (
          <>
            <TriangleAlert aria-hidden size={16} /> {shareText(day.dead / (day.dead + day.stored))} of a day’s records
            were refused; why is below.
          </>
        )}
      </p>
    </Card>
  );
}

function FairPlay({ now: { fair_play: fair } }: { readonly now: Operations }) {
  const found = fair.signals.filter(({ person_days: days }) => days > 0);
  return (
    <Card title="Days that stand out" about={`since ${dayText(fair.first_day)}; no verdict`}>
      {found.length === 0 ? (
        <Nothing title="Nothing stands out" />
      ) : (
        <>
          <table className="figures-table">
            <thead>
              <tr>
                <th scope="col">As</th>
                <th scope="col">Days of people</th>
              </tr>
            </thead>
            <tbody>
              {found.map(({ signal, person_days: days }) => (
                <tr key={signal}>
                  <th scope="row">{signalNames[signal] ?? signal}</th>
                  <td>{wholeText(days)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <p className="pipeline__note">
            {wholeText(fair.person_days)} days of {wholeText(fair.people)} people. Whose, with the evidence:{' '}
            <code>laurel fair-play</code>. Each sees their own.
          </p>
        </>
      )}
    </Card>
  );
}

function DeadLetters({ now: { dead_letters: letters } }: { readonly now: Operations }) {
  return (
    <Card title="Refused records" about="the newest; kept for 30 days" className="pipeline__wide">
      {letters.length === 0 ? (
        <Nothing title="No record was refused" />
      ) : (
        <>
          <ul className="letters">
            {letters.map(({ rejected_at: at, code, field, message, place }) => (
              <li key={`${place} ${at}`} className="letters__one">
                <p className="letters__what">
                  <code>{code}</code> {field === null ? null : <code>{field}</code>} {message}
                </p>
                <p className="letters__where">
                  {instantText(at)} · {place}
                </p>
              </li>
            ))}
          </ul>
          <p className="pipeline__note">
            A whole record, and sending it again after a fix: <code>laurel dead-letters</code>.
          </p>
        </>
      )}
    </Card>
  );
}
