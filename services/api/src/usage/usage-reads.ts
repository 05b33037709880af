import { figuresOfRow, type ClickHouseClient, type Statement } from '@laurel/clickhouse';
import { compareUtf8 } from '@laurel/titles';
import { addFigures, noFigures, totalOf, type Figures, type Window } from '@laurel/usage';
import type { ScopeParameter } from '../http/parameters.js';
import { anyUsage, leaderboard, modelUsage, userDaysAndModels, userPlace, type BoardMetric } from './statements.js';

type FiguresRow = Parameters<typeof figuresOfRow>[0];

export interface BoardEntry {
  readonly rank: number;
  readonly userId: string;
  readonly teams: readonly string[];
  readonly value: string;
  readonly figures: Figures;
}

export interface Board {
  readonly people: number;
  readonly entries: readonly BoardEntry[];
}

export interface ModelFigures {
  readonly provider: string;
  readonly model: string;
  readonly figures: Figures;
}

export interface UserUsage {
  /** On the board of total tokens; null without usage in the window. */
  readonly place: { readonly rank: number; readonly people: number } | null;
  readonly teams: readonly string[];
  readonly figures: Figures;
  /** By 'YYYY-MM-DD'; days without usage are absent. */
  readonly days: ReadonlyMap<string, Figures>;
  /** The most tokens first, of equals by provider and model. */
  readonly models: readonly ModelFigures[];
}

/** Reads the projections for the API. Failures are the client's own, for the problem filter to judge. */
export class UsageReads {
  constructor(private readonly clickhouse: ClickHouseClient) {}

  async board(metric: BoardMetric, window: Window, scope: ScopeParameter, limit: number): Promise<Board> {
    const rows = await this.rows<BoardRow>(leaderboard(metric, window, scope, limit));
    return {
      people: Number(rows[0]?.people ?? 0),
      entries: rows.map((row) => ({
        rank: Number(row.place),
        userId: row.user_id,
        teams: row.teams,
        value: row.value,
        figures: figuresOfRow(row),
      })),
    };
  }

  /** Undefined when the person has no usage on any day. */
  async user(userId: string, window: Window): Promise<UserUsage | undefined> {
    const [rows, [place]] = await Promise.all([
      this.rows<UserRow>(userDaysAndModels(userId, window)),
      this.rows<PlaceRow>(userPlace(userId, window)),
    ]);
    if (rows.length === 0 && (await this.rows(anyUsage(userId))).length === 0) return undefined;
    const days = new Map<string, Figures>();
    const models = new Map<string, ModelFigures>();
    let total = noFigures;
    for (const row of rows) {
      const { day_key: day, provider, model } = row;
      const figures = figuresOfRow(row);
      total = addFigures(total, figures);
      days.set(day, addFigures(days.get(day) ?? noFigures, figures));
      const key = JSON.stringify([provider, model]);
      const known = models.get(key)?.figures ?? noFigures;
      models.set(key, { provider, model, figures: addFigures(known, figures) });
    }
    return {
      place: place === undefined ? null : { rank: Number(place.place), people: Number(place.people) },
      teams: place?.teams ?? [],
      figures: total,
      days,
      models: [...models.values()].sort(byTokens),
    };
  }

  async models(window: Window): Promise<readonly (ModelFigures & { readonly users: number })[]> {
    const rows = await this.rows<ModelRow>(modelUsage(window));
    return rows.map((row) => ({
      provider: row.provider,
      model: row.model,
      users: Number(row.users),
      figures: figuresOfRow(row),
    }));
  }

  private async rows<T>({ query, query_params }: Statement): Promise<readonly T[]> {
    const result = await this.clickhouse.query({
      query,
      query_params: { ...query_params },
      format: 'JSONEachRow',
    });
    return result.json<T>();
  }
}

interface BoardRow extends FiguresRow {
  readonly user_id: string;
  readonly place: string;
  readonly people: string;
  readonly teams: readonly string[];
  readonly value: string;
}

interface PlaceRow {
  readonly place: string;
  readonly people: string;
  readonly teams: readonly string[];
}

interface UserRow extends FiguresRow {
  readonly day_key: string;
  readonly provider: string;
  readonly model: string;
}

interface ModelRow extends FiguresRow {
  readonly provider: string;
  readonly model: string;
  readonly users: string;
}

/** As the statement of all models orders them. */
function byTokens(a: ModelFigures, b: ModelFigures): number {
  const [left, right] = [totalOf(a.figures), totalOf(b.figures)];
  if (left !== right) return left > right ? -1 : 1;
  return compareUtf8(a.provider, b.provider) || compareUtf8(a.model, b.model);
}
