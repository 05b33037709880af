import { CircleCheck, TriangleAlert } from 'lucide-react';
import type { Operations } from '../api/answers.js';
import { Card } from '../shell/Card.js';
import { Nothing } from '../shell/states.js';
import { useNow } from '../shell/use-now.js';
import { wholeText } from '../words/numbers.js';
import { agoText, dayText } from '../words/times.js';
import { auditVerdict, isOld, tallyOf, type CheckOutcome } from './audit.js';

/** What each check says, if nothing is found. */
const claims: Readonly<Record<string, string>> = {
  erasures: 'Nothing is left of erased people',
  ledger: 'No record was passed over',
  identities: 'Records of the log are in the tables',
  conflicts: 'No event counts for two people or times',
  heads: 'Every hour and day can be read',
  buckets: 'Figures are those of the events',
  holders: 'Titles and tiers are those of the awards',
};

/** Whether everything adds up, by the last `laurel audit`. */
export function AuditCard({ audit }: Pick<Operations, 'audit'>) {
  const nowMs = useNow(60_000);
  const latest = audit
    .flatMap(({ last }) => (last === null ? [] : [last.ended_at]))
    .sort()
    .at(-1);
  return (
    <Card
      title="Audit"
      about={latest === undefined ? 'none yet' : `last made ${agoText(latest, nowMs)}`}
      className="pipeline__wide"
    >
      {latest === undefined ? (
        <Nothing title="No audit has been made yet">
          <p>
            <code>laurel audit</code> compares the log, the tables and the titles, while everything runs. Have it run
            every night.
          </p>
        </Nothing>
      ) : (
        <>
          <table className="figures-table audit">
            <thead>
              <tr>
                <th scope="col">What has to hold</th>
                <th scope="col">Found</th>
                <th scope="col">Looked at</th>
              </tr>
            </thead>
            <tbody>
              {audit.map(({ check, last }) => (
                <tr key={check}>
                  <th scope="row">
                    {claims[check] ?? check}
                    {last === null ? null : <Basis last={last} />}
                  </th>
                  <td>
                    {last === null ? <span className="figures-table__soft">not known</span> : <Found last={last} />}
                  </td>
                  <td className={isOld(last, nowMs) ? 'audit__old' : undefined}>
                    {last === null ? 'never' : agoText(last.ended_at, nowMs)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <Verdict audit={audit} nowMs={nowMs} />
        </>
      )}
    </Card>
  );
}

/** What was compared, and which codes were found there. */
function Basis({ last: { compared, first_day: first, findings } }: { readonly last: CheckOutcome }) {
  return (
    <span className="figures-table__soft pipeline__group">
      {compared}
      {first === null ? null : `, since ${dayText(first)}`}
      {findings.map(({ code, found, healed }) => (
        <span key={code} className="audit__finding">
          <code>{code}</code> {wholeText(found)}
          {healed === 0 ? null : `, ${wholeText(healed)} healed`}
        </span>
      ))}
    </span>
  );
}

function Found({ last }: { readonly last: CheckOutcome }) {
  const { left, healed, warnings } = tallyOf(last);
  if (left > 0) return <span className="pipeline__many">{wholeText(left)} left</span>;
  if (!last.finished) return <span className="audit__old">not finished</span>;
  if (warnings > 0) return <span className="audit__old">{warnings === 1 ? 'a warning' : `${warnings} warnings`}</span>;
  return healed > 0 ? <>{wholeText(healed)} healed</> : <span className="figures-table__soft">nothing</span>;
}

function Verdict({ audit, nowMs }: Pick<Operations, 'audit'> & { readonly nowMs: number }) {
  const verdict = auditVerdict(audit, nowMs);
  const Icon = verdict === 'clean' ? CircleCheck : TriangleAlert;
  return (
    <p className="pipeline__note">
      <Icon aria-hidden size={16} /> {verdicts[verdict]}
    </p>
  );
}

const verdicts = {
  clean: 'Everything adds up.',
  findings: (
    <>
      Something does not add up. <code>laurel audit</code> says where, and <code>laurel audit --heal</code> mends most
      of it.
    </>
  ),
  unfinished: (
    <>
      Nothing is known to be wrong, but not everything could be looked at. <code>laurel audit</code> says why.
    </>
  ),
  old: (
    <>
      Nothing is known to be wrong, but some of it was not looked at for two days. Have <code>laurel audit</code> run
      every night.
    </>
  ),
} as const;
