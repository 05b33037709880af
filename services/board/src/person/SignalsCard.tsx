import { useQuery } from '@tanstack/react-query';
import { ownSignals, session } from '../api/queries.js';
import { Card } from '../shell/Card.js';
import { Bone, Failed, Nothing } from '../shell/states.js';
import { dayText } from '../words/times.js';

/** Which of the viewer's days stand out. To be seen by nobody else, and so only where it is known who the viewer is. */
export function SignalsCard() {
  const isKnown = useQuery(session()).data?.signed_in === true;
  const { data, error, refetch } = useQuery({ ...ownSignals(), enabled: isKnown });
  if (!isKnown) return null;
  return (
    <Card title="Days of yours that stand out" about="in 30 days; shown to nobody else here">
      {data === undefined ? (
        error === null ? (
          <Bone width="100%" height={120} />
        ) : (
          <Failed error={error} onRetry={() => void refetch()} />
        )
      ) : data.signals.length === 0 ? (
        <Nothing title="Nothing stands out" />
      ) : (
        <>
          <p className="own-card__soft">
            That is no verdict: each has an honest reason too. Some titles leave such days out, as their conditions say;
            no board and no sum does.
          </p>
          <ul className="signals">
            {data.signals.map(({ day, signal, text, review }) => (
              <li key={`${day} ${signal}`}>
                <strong>{dayText(day)}</strong> {text}
                {review !== null && (
                  <p className="own-card__soft">
                    Somebody looked into it, and the day {review.counts ? 'counts' : 'is left out'}: “{review.reason}”
                  </p>
                )}
              </li>
            ))}
          </ul>
        </>
      )}
    </Card>
  );
}
