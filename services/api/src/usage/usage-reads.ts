import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import {
  costsOfRow,
  figuresOfRow,
  readFiguresVersion,
  type ClickHouseClient,
  type CostColumns,
  type Statement,
} from '@laurel/clickhouse';
import { LEAST_COHORT } from '@laurel/policy';
import { compareUtf8 } from '@laurel/titles';
import {
  addCosts,
  addFigures,
  dayKey,
  modelFamily,
  noCosts,
  noFigures,
  parseDayKey,
  totalOf,
  type CostFigures,
  type Day,
  type Figures,
  type Window,
} from '@laurel/usage';
import type { ScopeParameter } from '../http/parameters.js';
import { Board } from './board.js';
import type { Group } from './groups-json.js';
import type { FamilyDay } from './model-days.js';
import { readIfOther, Reused, ReusedByKey, type Based } from '../reused.js';
import {
  anyUsage,
  daysOfPeople,
  leaderboard,
  modelDays,
  modelUsage,
  sessionDays,
  teamUsage,
  userDaysAndModels,
  type BoardMetric,
  type BoardWindows,
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

/** A session's active minutes on each UTC day that it was used on, ascending; not empty. */
export interface Session {
  readonly days: readonly { readonly day: string; readonly activeMinutes: number }[];
}

interface BoardKey {
  readonly metric: BoardMetric;
  readonly windows: BoardWindows;
  readonly scope: ScopeParameter;
}

/** A person's tokens by model family, and by day since 1970-01-01; days without usage are absent. */
export type PersonDays = ReadonlyMap<string, ReadonlyMap<Day, bigint>>;

interface PeopleKey {
  readonly userIds: readonly string[];
  readonly window: Window;
}

/** A board of 85,000 people takes 15 MiB. */
const BOARDS_KEPT = 16;
const TEAM_BOARDS_KEPT = 50;
const WINDOWS_KEPT = 8;
/** Of a hundred people each, some 200 KiB. */
const PAGES_KEPT = 32;

/** Reads the projections for the API. Failures are the client's own, for the problem filter to judge. */
export class UsageReads {
  private readonly version = new Reused(() => this.readVersion());
  private readonly boards = this.reused((key: BoardKey) => this.readBoard(key), BOARDS_KEPT);
  private readonly teamBoards = this.reused((key: BoardKey) => this.readBoard(key), TEAM_BOARDS_KEPT);
  private readonly peopleDays = this.reused((key: PeopleKey) => this.readPeopleDays(key), PAGES_KEPT);
  private readonly modelMixes = this.reused((window: Window) => this.readModels(window), WINDOWS_KEPT);

  private readonly modelDayMixes = this.reused((window: Window) => this.readModelDays(window), WINDOWS_KEPT);
  private readonly teamMixes = this.reused((window: Window) => this.readTeams(window), WINDOWS_KEPT);

  constructor(private readonly clickhouse: ClickHouseClient) {}

  async board(metric: BoardMetric, windows: BoardWindows, scope: ScopeParameter): Promise<Board> {
    const boards = scope.kind === 'team' ? this.teamBoards : this.boards;
    return (await boards.get({ metric, windows, scope })).answer;
  }

  /** By user id; whoever has no usage in the window is absent. */
  async daysOfPeople(userIds: readonly string[], window: Window): Promise<ReadonlyMap<string, PersonDays>> {
    return (await this.peopleDays.get({ userIds, window })).answer;
  }

  /** Undefined when the person has no usage on any day. */
  async user(userId: string, windows: BoardWindows): Promise<UserUsage | undefined> {
    const own: BoardKey = { metric: 'total_tokens', windows, scope: { kind: 'company' } };
    const [rows, board] = await Promise.all([
      this.rows<UserRow>(userDaysAndModels(userId, windows.window)),
      this.board(own.metric, windows, own.scope),
    ]);
    if (rows.length === 0 && !(await this.hasUsage(userId))) return undefined;
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

  /** On any day. */
  async hasUsage(userId: string): Promise<boolean> {
    return (await this.rows(anyUsage(userId))).length > 0;
  }

  /** Those with a counted event in the window, in no particular order. */
  async sessions(userId: string, window: Window): Promise<readonly Session[]> {
    const rows = await this.rows<SessionRow>(sessionDays(userId, window));
    return rows.map(({ by_day: days }) => ({
      days: days.map(([day, minutes]) => ({ day: dayKey(day as Day), activeMinutes: Number(minutes) })),
    }));
  }

  async models(window: Window): Promise<readonly ModelMixEntry[]> {
    return (await this.modelMixes.get(window)).answer;
  }

  /** By family and day; families under several names are merged. */
  async modelDays(window: Window): Promise<readonly FamilyDay[]> {
    return (await this.modelDayMixes.get(window)).answer;
  }

  async teams(window: Window): Promise<readonly TeamEntry[]> {
    return (await this.teamMixes.get(window)).answer;
  }

  /** Read anew only where a figure may have changed. */
  private reused<K, T>(read: (key: K) => Promise<T>, most: number): ReusedByKey<K, Based<T>> {
    return new ReusedByKey(
      readIfOther(() => this.version.get(), read),
      (key) => JSON.stringify(key),
      most,
    );
  }

  /** Another one as soon as any figure can be, though up to some tenths of a second later. */
  figuresVersion(): Promise<string> {
    return this.version.get();
  }

  private async readVersion(): Promise<string> {
    return createHash('sha256')
      .update(await readFiguresVersion(this.clickhouse))
      .digest('hex')
      .slice(0, 16);
  }

  private async readPeopleDays({ userIds, window }: PeopleKey): Promise<ReadonlyMap<string, PersonDays>> {
    const people = new Map<string, Map<string, Map<Day, bigint>>>();
    for (const {
      user_id: userId,
      model,
      by_day: [days, tokens],
    } of await this.rows<PersonDaysRow>(daysOfPeople(userIds, window))) {
      const families = people.get(userId) ?? new Map<string, Map<Day, bigint>>();
      const family = families.get(modelFamily(model)) ?? new Map<Day, bigint>();
      days.forEach((day, index) => {
        family.set(day as Day, (family.get(day as Day) ?? 0n) + BigInt(tokens[index] ?? 0));
      });
      people.set(userId, families.set(modelFamily(model), family));
    }
    return people;
  }

  private async readBoard({ metric, windows, scope }: BoardKey): Promise<Board> {
    const { query, query_params } = leaderboard(metric, windows, scope);
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

  private async readModelDays(window: Window): Promise<readonly FamilyDay[]> {
    const merged = new Map<string, FamilyDay>();
    for (const row of await this.rows<ModelDayRow>(modelDays(window))) {
      const family = modelFamily(row.model);
      const key = JSON.stringify([family, row.day_key]);
      const known = merged.get(key);
      const { people, hidden, guarded, figures, costs } = groupOfRow(row);
      merged.set(key, {
        family,
        day: dayOfKey(row.day_key),
        people: union(known?.people, people),
        hidden: union(known?.hidden, hidden),
        guarded: union(known?.guarded, guarded),
        figures: addFigures(known?.figures ?? noFigures, figures),
        costs: addCosts(known?.costs ?? noCosts, costs),
      });
    }
    return [...merged.values()];
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

interface SessionRow {
  readonly by_day: readonly (readonly [day: number, minutes: string])[];
}

interface PersonDaysRow {
  readonly user_id: string;
  readonly model: string;
  readonly by_day: readonly [days: readonly number[], tokens: readonly string[]];
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

interface ModelDayRow extends GroupRow {
  readonly day_key: string;
  readonly model: string;
}

interface TeamRow extends GroupRow {
  readonly team: string;
}

/** Of samples that are whole below the bound, so is the union. */
const union = (some: readonly string[] | undefined, more: readonly string[]): readonly string[] =>
  [...new Set([...(some ?? []), ...more])].slice(0, LEAST_COHORT);

function dayOfKey(key: string): Day {
  const day = parseDayKey(key);
  if (day === undefined) throw new Error(`ClickHouse returned the day ${key}`);
  return day;
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
