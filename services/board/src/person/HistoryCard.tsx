import { useQuery } from '@tanstack/react-query';
import { personHistory } from '../api/queries.js';
import { Calendar } from '../charts/Calendar.js';
import { Bone } from '../shell/states.js';
import { Card } from '../shell/Card.js';

/** The last year by days. */
export function HistoryCard({ userId }: { readonly userId: string }) {
  const { data } = useQuery(personHistory(userId, '366d'));
  return (
    <Card title="A year of usage" about="by UTC days">
      {data === undefined ? (
        <div className="history__wait">
          <Bone width="100%" height={132} />
        </div>
      ) : (
        <Calendar days={data.days} tokens={data.total_tokens} />
      )}
    </Card>
  );
}
