import { useQuery } from '@tanstack/react-query';
import type { PersonUsage } from '../api/answers.js';
import { personHistory } from '../api/queries.js';
import { familySeries } from '../charts/families.js';
import { StackedDays, type Series } from '../charts/StackedDays.js';
import { Bone, Nothing } from '../shell/states.js';
import {
  costText,
  shareText,
  shortText,
  tokenKindNames,
  tokenKinds,
  tokensByKind,
  unpricedText,
} from '../words/numbers.js';
import type { PersonWindow } from '../router.js';
import { Card } from '../shell/Card.js';

/** The chart and its legend take as much. */
const CHART_HEIGHT = 316;

export function ClassesCard({ person }: { readonly person: PersonUsage | undefined }) {
  const days = person?.days.map((day) => ({ day: day.day, tokens: tokensByKind(day) })) ?? [];
  const series = tokenKinds.map((kind): Series => ({
    key: kind,
    name: tokenKindNames[kind],
    look: `kind--${kind}`,
    amounts: days.map(({ tokens }) => tokens[kind]),
  }));
  return (
    <Card title="What the tokens are made of">
      {person === undefined ? (
        <Bone width="100%" height={CHART_HEIGHT} />
      ) : (
        <StackedDays label="Tokens of each day by class" days={days.map(({ day }) => day)} series={series} />
      )}
    </Card>
  );
}

interface ModelsCardProps {
  readonly userId: string;
  readonly window: PersonWindow;
  readonly person: PersonUsage | undefined;
}

export function ModelsCard({ userId, window, person }: ModelsCardProps) {
  const { data } = useQuery(personHistory(userId, window));
  return (
    <Card title="Models">
      {data === undefined || person === undefined ? (
        <Bone width="100%" height={CHART_HEIGHT} />
      ) : data.families.length === 0 ? (
        <Nothing title="No usage in this window" />
      ) : (
        <>
          <StackedDays
            label="Tokens of each day by model family"
            days={data.days}
            series={familySeries(data.families)}
          />
          <details className="all-models">
            <summary>
              {person.models.length === 1 ? 'The one model' : `All ${person.models.length} models`}, with cost
            </summary>
            <ModelTable models={person.models} />
          </details>
        </>
      )}
    </Card>
  );
}

function ModelTable({ models }: { readonly models: PersonUsage['models'] }) {
  return (
    <table className="figures-table">
      <thead>
        <tr>
          <th scope="col">Model</th>
          <th scope="col">Tokens</th>
          <th scope="col">Share</th>
          <th scope="col">List cost</th>
        </tr>
      </thead>
      <tbody>
        {models.map(({ provider, model, total_tokens, share, ...costs }) => (
          <tr key={`${provider} ${model}`}>
            <th scope="row">
              {model} <span className="figures-table__soft">{provider}</span>
            </th>
            <td>{shortText(total_tokens)}</td>
            <td>{shareText(share)}</td>
            <td title={unpricedText(costs)}>{costText(costs)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
