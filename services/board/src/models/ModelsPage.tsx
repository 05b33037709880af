import './models.css';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { boardWindows, type ModelDays, type Models } from '../api/answers.js';
import { modelDays, models as modelsQuery } from '../api/queries.js';
import { Composition } from '../charts/Composition.js';
import { familySeries } from '../charts/families.js';
import { StackedDays } from '../charts/StackedDays.js';
import { Card } from '../shell/Card.js';
import { Choice } from '../shell/Choice.js';
import { Bone, Failed, Nothing, Stale } from '../shell/states.js';
import { windowNames } from '../words/metrics.js';
import { costText, shareText, shortText, unpricedText, usdText, wholeText } from '../words/numbers.js';

const route = getRouteApi('/models');

const measures = ['total_tokens', 'list_cost_usd'] as const;
type Measure = (typeof measures)[number];
const measureNames: Readonly<Record<Measure, string>> = { total_tokens: 'Tokens', list_cost_usd: 'List cost' };

/** What the company uses, by model. */
export function ModelsPage() {
  const window = route.useSearch().window ?? '30d';
  const navigate = useNavigate({ from: '/models' });
  const query = useQuery(modelsQuery(window));
  const days = useQuery(modelDays(window));
  const [measure, setMeasure] = useState<Measure>('total_tokens');
  const { data } = query;
  return (
    <div className="page models-page">
      <title>Models · Laurel</title>
      <div className="models-page__head">
        <div>
          <h1>Models</h1>
          <p className="page__about">
            What everybody together uses. Small groups are withheld, so that no figure is one person’s.
          </p>
        </div>
        <Choice
          label="Window"
          value={window}
          options={boardWindows}
          names={windowNames}
          onChange={(next) =>
            void navigate({
              to: '/models',
              search: { window: next === '30d' ? undefined : next },
              replace: true,
              resetScroll: false,
            })
          }
        />
      </div>
      {query.isError && data !== undefined ? <Stale sinceMs={query.dataUpdatedAt} /> : null}
      {data === undefined && query.error !== null ? (
        <Failed error={query.error} onRetry={() => void query.refetch()} />
      ) : (
        <>
          <Card title="By day">
            <div className="models-page__measure">
              <Choice label="Measure" value={measure} options={measures} names={measureNames} onChange={setMeasure} />
            </div>
            {days.data !== undefined ? (
              <Days days={days.data} measure={measure} />
            ) : days.error === null ? (
              <Bone width="100%" height={340} />
            ) : (
              <Failed error={days.error} onRetry={() => void days.refetch()} />
            )}
          </Card>
          {data === undefined ? (
            <Bone width="100%" height={420} />
          ) : data.models.length === 0 && data.other === null ? (
            <Nothing title="No usage yet in this window" />
          ) : (
            <ModelsTable models={data} />
          )}
        </>
      )}
    </div>
  );
}

function Days({ days, measure }: { readonly days: ModelDays; readonly measure: Measure }) {
  const { families, other } = days;
  const series = familySeries([
    ...families.map((one) => ({ family: one.family, total_tokens: one[measure] })),
    ...(other === null || other.withheld ? [] : [{ family: 'Others together', total_tokens: other[measure] }]),
  ]);
  if (series.length === 0) return <Nothing title="Nothing that can be shown by day" />;
  return (
    <>
      <StackedDays
        label={`${measureNames[measure]} of each day by model family`}
        days={days.days}
        series={series}
        format={measure === 'total_tokens' ? shortText : usdText}
      />
      {other?.withheld === true ? (
        <p className="models-page__withheld">
          {other.families === 1 ? 'One family is' : `${wholeText(other.families)} families are`} withheld: too few
          people.
        </p>
      ) : null}
    </>
  );
}

function ModelsTable({ models: { models, other } }: { readonly models: Models }) {
  return (
    <div className="card models-table">
      <table>
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col">Tokens</th>
            <th scope="col" className="models-table__share">
              Share
            </th>
            <th scope="col" className="models-table__made">
              Made of
            </th>
            <th scope="col">List cost</th>
            <th scope="col" className="models-table__people">
              People
            </th>
          </tr>
        </thead>
        <tbody>
          {models.map((one) => (
            <tr key={`${one.provider} ${one.model}`}>
              <th scope="row">
                {one.model}
                <span className="models-table__provider">{one.provider}</span>
              </th>
              <td>{shortText(one.total_tokens)}</td>
              <td className="models-table__share">{shareText(one.share)}</td>
              <td className="models-table__made">
                <Composition figures={one} share={one.share / (models[0]?.share ?? 1)} />
              </td>
              <td title={unpricedText(one)}>{costText(one)}</td>
              <td className="models-table__people">{wholeText(one.users)}</td>
            </tr>
          ))}
          {other === null ? null : (
            <tr>
              <th scope="row">
                {wholeText(other.groups)} others
                <span className="models-table__provider">
                  {other.withheld ? 'withheld, to give nobody away' : 'together, to give nobody away'}
                </span>
              </th>
              <td>{other.withheld ? '–' : shortText(other.total_tokens)}</td>
              <td className="models-table__share">{other.withheld ? '–' : shareText(other.share)}</td>
              <td className="models-table__made" />
              <td>{other.withheld ? '–' : costText(other)}</td>
              <td className="models-table__people" />
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}
