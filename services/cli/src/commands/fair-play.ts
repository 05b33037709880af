import { Command, InvalidArgumentError, Option } from 'commander';
import { readFlags, writeReview, type Flag, type FlagSelection, type Review } from '@laurel/clickhouse';
import { signalIds, signalNames, signalText, type SignalId } from '@laurel/fair-play';
import { dayKey, dayOf, parseDayKey, type Day } from '@laurel/usage';
import { withClickHouse } from '../environment.js';
import { harmless, plural } from '../terminal.js';

interface Flags {
  readonly from?: Day;
  readonly to?: Day;
  readonly signal?: readonly SignalId[];
  readonly json?: boolean;
}

interface ListFlags extends Flags {
  readonly limit: number;
}

const APPLICATION = 'laurel-fair-play';
const DAYS = 30;
const NO_VERDICT = 'A signal is no verdict: each has an honest reason too. See docs/reference/fair-play.md.';

export function fairPlayCommand(): Command {
  return new Command('fair-play')
    .description('days of people that stand out, with the figures that say so; no verdict')
    .addCommand(
      withSelection(new Command('list').description('what was found, the newest first'))
        .option('--limit <number>', 'at most so many', count, 200)
        .action((flags: ListFlags) => list(flags)),
    )
    .addCommand(
      withSelection(
        new Command('show')
          .description('what was found of one person')
          .argument('<user>', 'the pseudonym (user_id) that publishers use'),
      ).action((user: string, flags: Flags) => show(user, flags)),
    )
    .addCommand(reviewCommand());
}

interface ReviewFlags {
  readonly counts?: boolean;
  readonly leftOut?: boolean;
  readonly reason: string;
  readonly signal?: readonly SignalId[];
}

const reviewCommand = (): Command =>
  new Command('review')
    .description('say what came of looking into a day that stands out: whether it counts')
    .argument('<user>', 'the pseudonym (user_id) that publishers use')
    .argument('<day>', 'the UTC day', day)
    .addOption(new Option('--counts', 'it counts for every title, as any other day').conflicts('leftOut'))
    .option('--left-out', 'it is left out by the rules that leave such days out, as if nobody had looked')
    .requiredOption('--reason <text>', 'why; it is kept beside the signal, and the person can read it', reason)
    .addOption(new Option('--signal <id...>', 'of these alone; of all that the day has unless said').choices(signalIds))
    .addHelpText(
      'after',
      `
The latest review of a signal stands. Titles are judged by it within moments, and what it changes is awarded, or taken
back as a correction. Boards and totals don't know signals, and so no reviews.
Example: laurel fair-play review u-4711 2026-11-03 --counts --reason "on call that night, the team lead confirms it"`,
    )
    .action((user: string, on: Day, flags: ReviewFlags) => review(user, on, flags));

async function review(userId: string, on: Day, { counts, leftOut, reason: why, signal }: ReviewFlags): Promise<void> {
  if (counts !== true && leftOut !== true) throw new Error('say --counts or --left-out');
  const found = await withClickHouse(APPLICATION, async (clickhouse) => {
    const selection = { first: on, last: on, userId, ...(signal === undefined ? {} : { signals: signal }) };
    const flags = await readFlags(clickhouse, selection);
    if (flags.length === 0) {
      throw new Error(`nothing of ${harmless(userId)} stands out on ${dayKey(on)}: see laurel fair-play show`);
    }
    await writeReview(clickhouse, flags, { counts: counts === true, reason: why });
    return flags;
  });
  const verdict = counts === true ? 'counts' : 'is left out';
  for (const one of found) console.log(`${dayKey(on)}  ${harmless(userId)}  ${one.signal}: ${verdict} from now on`);
}

const MAX_REASON_BYTES = 1024;
const reason = (text: string): string => {
  if (text.trim() === '') throw new InvalidArgumentError('empty');
  if (Buffer.byteLength(text) > MAX_REASON_BYTES) throw new InvalidArgumentError(`over ${MAX_REASON_BYTES} bytes`);
  return text;
};

const withSelection = (command: Command): Command =>
  command
    .option('--from <day>', `the first UTC day; ${DAYS} days before the last unless said`, day)
    .option('--to <day>', 'the last UTC day; yesterday unless said', day)
    .addOption(new Option('--signal <id...>', 'only these').choices(signalIds))
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      `
Of days that are closed. Everybody is listed, also who is hidden: show it to nobody but those who have to look into it.
${NO_VERDICT}`,
    );

const day = (text: string): Day => {
  const parsed = parseDayKey(text);
  if (parsed === undefined) throw new InvalidArgumentError('not a day, such as 2026-11-01');
  return parsed;
};

const count = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 100_000)
    throw new InvalidArgumentError('not a whole number from 1 to 100000');
  return value;
};

async function list({ limit, ...flags }: ListFlags): Promise<void> {
  // One more than is shown tells that there are more.
  const found = await read({ ...selectionOf(flags), limit: limit + 1 });
  const shown = found.slice(0, limit);
  if (flags.json === true) {
    print({ signals: shown.map(asJson), more: found.length > limit });
    return;
  }
  for (const one of shown) {
    console.log(
      `${dayKey(one.day)}  ${harmless(one.userId)}  ${one.signal}: ${harmless(signalText(one.signal, one.evidence))}${one.review?.counts === true ? ' (counts by a review)' : ''}`,
    );
  }
  if (found.length > limit) console.log(`There are more than ${limit}: see --limit, --from, --to and --signal.`);
  console.log(`${shown.length === 0 ? 'Nothing stands out.' : plural(shown.length, 'signal')} ${NO_VERDICT}`);
}

async function show(userId: string, flags: Flags): Promise<void> {
  const found = await read({ ...selectionOf(flags), userId });
  if (flags.json === true) {
    print({ user_id: userId, signals: found.map(asJson) });
    return;
  }
  for (const one of found) {
    console.log(`${dayKey(one.day)}  ${one.signal}, ${signalNames[one.signal]}`);
    console.log(`  ${harmless(signalText(one.signal, one.evidence))}`);
    if (one.review !== null) console.log(`  ${reviewText(one.review)}: ${harmless(one.review.reason)}`);
  }
  console.log(
    `${found.length === 0 ? `Nothing of ${harmless(userId)} stands out.` : plural(found.length, 'signal')} ${NO_VERDICT}`,
  );
}

function selectionOf({ from, to, signal }: Flags): FlagSelection {
  const last = to ?? ((dayOf(Date.now()) - 1) as Day);
  const first = from ?? ((last - DAYS + 1) as Day);
  if (first > last) throw new Error('--from is after --to');
  return { first, last, ...(signal === undefined ? {} : { signals: signal }) };
}

const read = (selection: FlagSelection): Promise<readonly Flag[]> =>
  withClickHouse(APPLICATION, (clickhouse) => readFlags(clickhouse, selection));

const reviewText = ({ counts }: Review): string => (counts ? 'counts by a review' : 'left out by a review');

const asJson = ({ userId, day: on, signal, evidence, review }: Flag): object => ({
  user_id: userId,
  day: dayKey(on),
  signal,
  evidence,
  text: signalText(signal, evidence),
  review,
});

const print = (value: unknown): void => console.log(JSON.stringify(value, undefined, 2));
