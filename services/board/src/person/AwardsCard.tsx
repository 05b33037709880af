import { useQuery } from '@tanstack/react-query';
import { awards as awardsQuery, titleRules } from '../api/queries.js';
import { AwardLine } from '../awards/AwardLine.js';
import { Bone, Nothing } from '../shell/states.js';
import { Card } from '../shell/Card.js';

/** What the person won and lost. */
export function AwardsCard({ userId }: { readonly userId: string }) {
  const { data } = useQuery(awardsQuery({ user: userId, limit: 50 }));
  const titles = useQuery(titleRules()).data?.titles;
  return (
    <Card title="Won and lost">
      {data === undefined || titles === undefined ? (
        <Bone width="100%" height={120} />
      ) : data.awards.length === 0 ? (
        <Nothing title="No title yet" />
      ) : (
        <ul className="award-list">
          {data.awards.map((award) => (
            <AwardLine key={award.award_id} award={award} titles={titles} withPerson={false} />
          ))}
        </ul>
      )}
    </Card>
  );
}
