import { buffer } from 'node:stream/consumers';
import { costsOfRow, figuresOfRow, type ClickHouseClient, type CostColumns, type Statement } from '@laurel/clickhouse';
import { compareUtf8 } from '@laurel/titles';
import {
  addCosts,
  addFigures,
  noCosts,
  noFigures,
  totalOf,
  type CostFigures,
  type Figures,
  type Window,
} from '@laurel/usage';
import type { ScopeParameter } from '../http/parameters.js';
import { Board } from './board.js';
import type { Group } from './groups-json.js';
import { Reused, ReusedByKey } from '../reused.js';
import {
  anyUsage,
  figuresVersion,
  leaderboard,
  modelUsage,
  teamUsage,
  userDaysAndModels,
  type BoardMetric,
} from './statements.js';

type FiguresRow = Parameters<typeof figuresOfRow>[0];

export interface ModelFigures {
  readonly provider: string;
  readonly model: string;
  readonly figures: Figures;
  readonly costs: CostFigures;
}

export interface ModelMixEntry extends Group {
  readonly provider: string;
  readonly model: string;
}

export interface TeamEntry extends Group {
  /** Empty for usage without a team. */
  readonly team: string;
}

export interface UserUsage {
  /** On the board of total tokens; null without usage in the window. */
  readonly place: { readonly rank: number; readonly people: number } | null;
  readonly teams: readonly string[];
  readonly figures: Figures;
  readonly costs: CostFigures;
  /** By 'YYYY-MM-DD'; days without usage are absent. */
  readonly days: ReadonlyMap<string, Figures>;
  /** The most tokens first, of equals by provider and model. */
  readonly models: readonly ModelFigures[];
}

interface BoardKey {
  readonly metric: BoardMetric;
  readonly window: Window;
  readonly scope: ScopeParameter;
}

/** An answer, and of which state of the figures it is. */
interface Versioned<T> {
  readonly version: string;
  readonly answer: T;
}

/** A board of 85,000 people takes 11 MiB. */
const BOARDS_KEPT = 16;
const TEAM_BOARDS_KEPT = 50;
const WINDOWS_KEPT = 8;

/** Reads the projections for the API. Failures are the client's own, for the problem filter to judge. */
export class UsageReads {
  private readonly version = new Reused(() => this.readVersion());
  private readonly boards = this.reused((key: BoardKey) => this.readBoard(key), BOARDS_KEPT);
  private readonly teamBoards = this.reused((key: BoardKey) => this.readBoard(key), TEAM_BOARDS_KEPT);
  private readonly modelMixes = this.reused((window: Window) => this.readModels(window), WINDOWS_KEPT);

  private readonly teamMixes = this.reused((window: Window) => this.readTeams(window), WINDOWS_KEPT);

  constructor(private readonly clickhouse: ClickHouseClient) {}

  async board(metric: BoardMetric, window: Window, scope: ScopeParameter): Promise<Board> {
    const boards = scope.kind === 'team' ? this.teamBoards : this.boards;
    return (await boards.get({ metric, window, scope })).answer;
  }

  /** Undefined when the person has no usage on any day. */
  async user(userId: string, window: Window): Promise<UserUsage | undefined> {
    const own: BoardKey = { metric: 'total_tokens', window, scope: { kind: 'company' } };
    const [rows, board] = await Promise.all([
      this.rows<UserRow>(userDaysAndModels(userId, window)),
      this.board(own.metric, window, own.scope),
    ]);
    if (rows.length === 0 && (await this.rows(anyUsage(userId))).length === 0) return undefined;
    const days = new Map<string, Figures>();
    const models = new Map<string, ModelFigures>();
    let total = noFigures;
    let cost = noCosts;
    for (const row of rows) {
      const { day_key: day, provider, model } = row;
      const [figures, costs] = [figuresOfRow(row), costsOfRow(row)];
      total = addFigures(total, figures);
      cost = addCosts(cost, costs);
      days.set(day, addFigures(days.get(day) ?? noFigures, figures));
      const key = JSON.stringify([provider, model]);
      const known = models.get(key) ?? { figures: noFigures, costs: noCosts };
      models.set(key, {
        provider,
        model,
        figures: addFigures(known.figures, figures),
        costs: addCosts(known.costs, costs),
      });
    }
    // Somebody new is on the next board that is read.
    const entry = board.entryOf(userId) ?? (rows.length > 0 ? (await this.readBoard(own)).entryOf(userId) : undefined);
    return {
      place: entry === undefined ? null : { rank: entry.rank, people: board.people },
      teams: entry?.teams ?? [],
      figures: total,
      costs: cost,
      days,
      models: [...models.values()].sort(byTokens),
    };
  }

  async models(window: Window): Promise<readonly ModelMixEntry[]> {
    return (await this.modelMixes.get(window)).answer;
  }

  async teams(window: Window): Promise<readonly TeamEntry[]> {
    return (await this.teamMixes.get(window)).answer;
  }

  /** Read anew only where a figure may have changed. */
  private reused<K, T>(read: (key: K) => Promise<T>, most: number): ReusedByKey<K, Versioned<T>> {
    const readVersioned = async (key: K, last: Versioned<T> | undefined): Promise<Versioned<T>> => {
      // Before the figures, so that what changes meanwhile makes them old.
      const version = await this.version.get();
      return version === last?.version ? last : { version, answer: await read(key) };
    };
    return new ReusedByKey(readVersioned, (key) => JSON.stringify(key), most);
  }

  private async readVersion(): Promise<string> {
    return JSON.stringify(await this.rows(figuresVersion));
  }

  private async readBoard({ metric, window, scope }: BoardKey): Promise<Board> {
    const { query, query_params } = leaderboard(metric, window, scope);
    const { stream } = await this.clickhouse.exec({
      query: `${query} FORMAT RowBinary`,
      query_params: { ...query_params },
    });
    return new Board(await buffer(stream));
  }

  private async readModels(window: Window): Promise<readonly ModelMixEntry[]> {
    const rows = await this.rows<ModelRow>(modelUsage(window));
    return rows.map((row) => ({ provider: row.provider, model: row.model, ...groupOfRow(row) }));
  }

  private async readTeams(window: Window): Promise<readonly TeamEntry[]> {
    const rows = await this.rows<TeamRow>(teamUsage(window));
    return rows.map((row) => ({ team: row.team, ...groupOfRow(row) }));
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

interface UserRow extends FiguresRow, CostColumns {
  readonly day_key: string;
  readonly provider: string;
  readonly model: string;
}

interface GroupRow extends FiguresRow, CostColumns {
  readonly users: string;
  readonly people: readonly string[];
  readonly hidden: readonly string[];
  readonly guarded: readonly string[];
}

interface ModelRow extends GroupRow {
  readonly provider: string;
  readonly model: string;
}

interface TeamRow extends GroupRow {
  readonly team: string;
}

function groupOfRow(row: GroupRow): Group {
  const { users, people, hidden, guarded } = row;
  return { users: Number(users), people, hidden, guarded, figures: figuresOfRow(row), costs: costsOfRow(row) };
}

/** As the statement of all models orders them. */
function byTokens(a: ModelFigures, b: ModelFigures): number {
  const [left, right] = [totalOf(a.figures), totalOf(b.figures)];
  if (left !== right) return left > right ? -1 : 1;
  return compareUtf8(a.provider, b.provider) || compareUtf8(a.model, b.model);
}
