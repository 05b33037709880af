import './awards.css';
import { useQuery } from '@tanstack/react-query';
import { Award as AwardIcon } from 'lucide-react';
import type { Award } from '../api/answers.js';
import { awards as awardsQuery, titleRules } from '../api/queries.js';
import { Bone, Failed, Nothing, Stale } from '../shell/states.js';
import { useNow } from '../shell/use-now.js';
import { dateText } from '../words/times.js';
import { AwardLine } from './AwardLine.js';

/** All that happened to titles, the newest first, as it happens. */
export function AwardsPage() {
  const query = useQuery(awardsQuery({ limit: 200 }));
  const known = useQuery(titleRules());
  const failed = query.data === undefined ? query.error : known.data === undefined ? known.error : null;
  return (
    <div className="page awards">
      <title>Awards · Laurel</title>
      <h1>Awards</h1>
      <p className="page__about">Every title won or lost, with the reason. New ones appear here by themselves.</p>
      {query.isError && query.data !== undefined ? <Stale sinceMs={query.dataUpdatedAt} /> : null}
      {failed !== null ? (
        <Failed
          error={failed}
          onRetry={() => {
            void query.refetch();
            void known.refetch();
          }}
        />
      ) : query.data === undefined || known.data === undefined ? (
        <div className="card feed" aria-busy>
          {Array.from({ length: 6 }, (_, index) => (
            <div key={index} className="award">
              <Bone width={34} height={34} />
              <span className="award__wait">
                <Bone width="50%" />
                <Bone width="70%" height={10} />
              </span>
            </div>
          ))}
        </div>
      ) : query.data.awards.length === 0 ? (
        <Nothing title="No title has been awarded yet" icon={<AwardIcon size={28} />} />
      ) : (
        <div aria-live="polite">
          {byDay(query.data.awards).map(({ day, awards }) => (
            <Day key={day} time={awards[0]?.evaluated_at ?? day}>
              {awards.map((award) => (
                <AwardLine key={award.award_id} award={award} titles={known.data.titles} withPerson />
              ))}
            </Day>
          ))}
        </div>
      )}
    </div>
  );
}

function Day({ time, children }: { readonly time: string; readonly children: React.ReactNode }) {
  const today = new Date(useNow(60_000)).toDateString();
  const isToday = new Date(time).toDateString() === today;
  return (
    <section className="feed__day">
      <h2>{isToday ? 'Today' : dateText(time)}</h2>
      <ul className="card award-list feed">{children}</ul>
    </section>
  );
}

/** By the days of the viewer's own zone. */
function byDay(awards: readonly Award[]): readonly { readonly day: string; readonly awards: readonly Award[] }[] {
  const days = new Map<string, Award[]>();
  for (const award of awards) {
    const day = new Date(award.evaluated_at).toDateString();
    days.set(day, [...(days.get(day) ?? []), award]);
  }
  return [...days].map(([day, own]) => ({ day, awards: own }));
}
