import { useQuery } from '@tanstack/react-query';
import { personSessions } from '../api/queries.js';
import { StackedDays } from '../charts/StackedDays.js';
import { Bone, Nothing } from '../shell/states.js';
import { wholeText } from '../words/numbers.js';
import { minutesText, weekdayText } from '../words/times.js';
import { Card } from '../shell/Card.js';

const HEIGHT = 330;

/** Sessions by days and lengths; never by the time of day, which would show when somebody works. */
export function SessionsCard({ userId }: { readonly userId: string }) {
  const { data } = useQuery(personSessions(userId, '30d'));
  return (
    <Card title="Sessions" about="30 days, in minutes in which the person asked">
      {data === undefined ? (
        <Bone width="100%" height={HEIGHT} />
      ) : data.sessions === 0 && data.active_minutes === 0 ? (
        <Nothing title="No sessions to show">
          <p>Tools that name no session, and figures that are shown coarsely, leave nothing here.</p>
        </Nothing>
      ) : (
        <>
          <StackedDays
            label="Active minutes of each day"
            days={data.days.map(({ day }) => day)}
            series={[
              {
                key: 'minutes',
                name: data.sessions === 1 ? 'one session' : `${wholeText(data.sessions)} sessions`,
                look: 'series-0',
                amounts: data.days.map((day) => day.active_minutes),
              },
            ]}
            format={minutesText}
            tick={minutesText}
          />
          <h3 className="panel__sub">Longest</h3>
          <ol className="longest">
            {data.longest.map(({ day, active_minutes }, index) => (
              <li key={index}>
                <span>{weekdayText(day)}</span>
                <span className="longest__bar" aria-hidden>
                  <span
                    style={{ width: `${(100 * active_minutes) / Math.max(1, data.longest[0]?.active_minutes ?? 1)}%` }}
                  />
                </span>
                <span className="longest__length">{minutesText(active_minutes)}</span>
              </li>
            ))}
          </ol>
        </>
      )}
    </Card>
  );
}
