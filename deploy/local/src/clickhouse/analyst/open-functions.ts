import type { Session } from 'chdb';

/** Kinds of functions that reach beyond the rows they are given: dictionaries, models, the process, other services. */
const CLOSED_CATEGORIES = ['Dictionary', 'Embedded Dictionary', 'AI', 'Introspection', 'Machine Learning', 'Internal'];

/** Of those that the engine puts into no kind; the others read files, tables, settings of the server and the like. */
const OPEN_OTHERS = [
  ...[
    'bar',
    'byteSize',
    'countDigits',
    'currentDatabase',
    'defaultValueOfArgumentType',
    'defaultValueOfTypeName',
    'digits',
  ],
  ...['finalizeAggregation', 'formatReadableDecimalSize', 'formatReadableQuantity', 'formatReadableSize'],
  ...['formatReadableTimeDelta', 'identity', 'ignore', 'initializeAggregation', 'isConstant', 'isDecimalOverflow'],
  ...['materialize', 'neighbor', 'parseReadableSize', 'parseReadableSizeOrNull', 'parseReadableSizeOrZero'],
  ...[
    'parseTimeDelta',
    'rowNumberInAllBlocks',
    'rowNumberInBlock',
    'runningAccumulate',
    'runningDifference',
    'throwIf',
  ],
  ...['toColumnTypeName', 'toTypeName', 'transform', 'variantElement', 'variantType', 'version', 'visibleWidth'],
];

/** Forms of the language which the engine reads as functions, and lists nowhere or as its own. */
const FORMS = ['_CAST', 'caseWithExpression', 'exists', 'grouping', 'untuple'];

interface Row {
  readonly name: string;
  readonly alias_to: string;
  readonly is_aggregate: number;
  readonly categories: string;
}

/** Which functions an analyst may call: a list of what is allowed, so that one of the engine's next version is not. */
export class OpenFunctions {
  private constructor(
    private readonly open: ReadonlySet<string>,
    private readonly aggregates: ReadonlySet<string>,
    private readonly combinators: readonly string[],
  ) {}

  static async read(session: Session): Promise<OpenFunctions> {
    const rows = await jsonRows<Row>(
      session,
      `SELECT name, alias_to, is_aggregate, categories FROM system.functions WHERE origin = 'System'`,
    );
    const combinators = await jsonRows<{ name: string }>(
      session,
      'SELECT name FROM system.aggregate_function_combinators',
    );
    const others = new Set(OPEN_OTHERS);
    const isOpen = (row: Row): boolean =>
      row.is_aggregate === 1 ||
      (row.categories === 'Other'
        ? others.has(row.name)
        : row.categories !== '' && !CLOSED_CATEGORIES.includes(row.categories));
    const direct = new Set(rows.filter((row) => row.alias_to === '' && isOpen(row)).map(({ name }) => name));
    const aliases = rows.filter((row) => direct.has(row.alias_to));
    const names = [...direct, ...aliases.map(({ name }) => name), ...FORMS];
    return new OpenFunctions(
      new Set(names.map((name) => name.toLowerCase())),
      new Set(rows.filter((row) => row.is_aggregate === 1).map(({ name }) => name.toLowerCase())),
      combinators.map(({ name }) => name.toLowerCase()),
    );
  }

  has(name: string): boolean {
    const wanted = name.toLowerCase();
    return this.open.has(wanted) || this.isCombined(wanted);
  }

  /** `sumIf`, `uniqExactArrayIf`: the aggregate with what is combined with it behind. */
  private isCombined(name: string): boolean {
    if (this.aggregates.has(name)) return true;
    return this.combinators.some(
      (suffix) => name.endsWith(suffix) && name !== suffix && this.isCombined(name.slice(0, -suffix.length)),
    );
  }
}

async function jsonRows<T>(session: Session, query: string): Promise<readonly T[]> {
  const text = (await session.queryAsync(query, { format: 'JSONEachRow' })).text();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
