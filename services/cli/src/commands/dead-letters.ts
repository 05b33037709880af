import { Command, InvalidArgumentError, Option } from 'commander';
import { deadLetterCodeValues, type DeadLetter, type DeadLetterCode } from '@laurel/events';
import { isOneWholeRecord, type Letter } from '../dead-letters/letter-fold.js';
import { historyOf, letterDocument, letterText } from '../dead-letters/one-letter.js';
import { foldLetters, readWhole, type LetterSource } from '../dead-letters/read-letters.js';
import { redrive, targetPartitions, type Redriven } from '../dead-letters/redrive.js';
import { isSelected, type Selection } from '../dead-letters/selection.js';
import { groupsOf, groupTable, letterJson, letterTable } from '../dead-letters/tables.js';
import { readValue } from '../dead-letters/value.js';
import { ProgressLine } from '../demo/progress.js';
import { fromEnvironment, kafkaFrom } from '../environment.js';
import { ask, isYes } from '../terminal.js';
import { kafkaSettings, registryConnection, registrySettings } from '@laurel/service-host/settings';

/** Nothing matched: neither done nor failed. */
const NOTHING_MATCHED = 2;
const STATUS_HELP = '\nExit status: 0 done, 1 failed, 2 nothing matched, 78 the environment is not valid.';
const DEFAULT_LIMIT = 50;

interface SelectionFlags {
  readonly code?: DeadLetterCode;
  readonly topic?: string;
  readonly key?: string;
  readonly since?: number;
  readonly until?: number;
}

interface ListFlags extends SelectionFlags {
  readonly limit?: number;
  readonly redriven?: true;
  readonly json?: true;
}

interface RedriveFlags extends SelectionFlags {
  readonly all?: true;
  readonly dryRun?: true;
  readonly yes?: true;
  readonly rate?: number;
  readonly json?: true;
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** An instant, or how long ago: `2026-11-22T10:00Z`, milliseconds, `90m`, `2d`. */
function instant(text: string): number {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return Date.now() - Number(count) * (UNIT_MS[unit] ?? 0);
  const ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (!Number.isFinite(ms))
    throw new InvalidArgumentError('neither a date, nor milliseconds, nor a time ago such as 2h');
  return ms;
}

function positive(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError('not a whole number from 1');
  return count;
}

/** The options that `list` and `redrive` share. */
const withSelection = (command: Command): Command =>
  command
    .addOption(new Option('--code <code>', 'rejected for this reason').choices(deadLetterCodeValues))
    .option('--topic <name>', 'came from this topic, with or without the prefix')
    .option('--key <text>', 'have this key; of usage events it is the user')
    .option(
      '--since <instant>',
      'rejected then or later: a date, milliseconds, or a time ago such as 90m, 2h, 3d',
      instant,
    )
    .option('--until <instant>', 'rejected before then', instant);

export function deadLettersCommand(): Command {
  return new Command('dead-letters')
    .description('records that were not accepted: see them, and send them again after a fix')
    .addCommand(
      withSelection(new Command('list'))
        .description(
          'count the letters by code and topic; with any of the options below but --json, print them one a line, newest first',
        )
        .option('--limit <n>', `print this many at most; ${DEFAULT_LIMIT} unless given`, positive)
        .option('--redriven', 'those too that were sent again')
        .option('--json', 'one JSON document')
        .addHelpText('after', STATUS_HELP)
        .action(list),
    )
    .addCommand(
      new Command('show')
        .description('print one letter whole: fault, key, headers, and the value decoded as far as it can be')
        .argument('<place>', 'where the record was: topic/partition/offset, as list prints it')
        .option('--raw', 'write the bytes of the original value to standard output, and nothing else')
        .option('--json', 'one JSON document')
        .addHelpText('after', STATUS_HELP)
        .action(show),
    )
    .addCommand(
      withSelection(new Command('redrive'))
        .description(
          'send letters again to the topic they came from, unchanged; each once, also when run again or twice at once',
        )
        .argument('[place...]', 'letters by their place; or choose them by the options')
        .option('--all', 'every letter that was not sent again yet')
        .option('--dry-run', 'print what would be sent, and send nothing')
        .option('--yes', 'do not ask; needed where there is no terminal')
        .option('--rate <n>', 'letters a second at most', positive)
        .option('--json', 'one JSON document')
        .addHelpText('after', STATUS_HELP)
        .action(redriveChosen),
    );
}

function openSource(): LetterSource {
  const config = fromEnvironment(kafkaSettings);
  return { kafka: kafkaFrom(config), topicPrefix: config.topicPrefix };
}

const selectionOf = ({ code, topic, key, since, until }: SelectionFlags): Selection => ({
  code,
  topic,
  key,
  sinceMs: since,
  untilMs: until,
});

const isEmpty = (selection: Selection): boolean => Object.values(selection).every((value) => value === undefined);

const printJson = (document: unknown): void => console.log(JSON.stringify(document, undefined, 2));

function warnOfUnreadable(unreadable: number): void {
  if (unreadable > 0)
    console.error(
      `${unreadable} records of the topic are no dead letters that this version can read; they are left out`,
    );
}

async function list(flags: ListFlags): Promise<void> {
  const source = openSource();
  const fold = await foldLetters(source);
  warnOfUnreadable(fold.unreadable);
  const selection = selectionOf(flags);
  const letters = fold.letters();
  if (isEmpty(selection) && flags.limit === undefined && flags.redriven === undefined) {
    listGroups(letters, fold.unreadable, flags.json === true);
    return;
  }
  const matching = letters.filter(
    (letter) =>
      (flags.redriven === true || letter.redrivenAtMs === undefined) &&
      isSelected(letter, selection, source.topicPrefix),
  );
  const shown = matching.slice(0, flags.limit ?? DEFAULT_LIMIT);
  if (matching.length === 0) process.exitCode = NOTHING_MATCHED;
  if (flags.json === true) printJson({ matched: matching.length, letters: shown.map(letterJson) });
  else if (matching.length === 0) console.log('no letter matches');
  else {
    console.log(letterTable(shown));
    if (shown.length < matching.length) console.log(`${shown.length} of ${matching.length}; --limit shows more`);
  }
}

function listGroups(letters: readonly Letter[], unreadable: number, asJson: boolean): void {
  const groups = groupsOf(letters);
  const open = letters.filter(({ redrivenAtMs }) => redrivenAtMs === undefined).length;
  if (asJson) {
    printJson({
      open,
      redriven: letters.length - open,
      unreadable,
      groups: groups.map(({ code, topic, example, firstRejectedAtMs, lastRejectedAtMs, ...counts }) => ({
        code,
        topic,
        ...counts,
        first_rejected_at: new Date(firstRejectedAtMs).toISOString(),
        last_rejected_at: new Date(lastRejectedAtMs).toISOString(),
        example: letterJson(example),
      })),
    });
  } else if (letters.length === 0) console.log('there are no dead letters');
  else {
    console.log(groupTable(groups));
    console.log(`${open.toLocaleString('en')} open, ${(letters.length - open).toLocaleString('en')} redriven`);
  }
}

async function show(place: string, { raw, json }: { readonly raw?: true; readonly json?: true }): Promise<void> {
  const source = openSource();
  const registry = registryConnection(fromEnvironment(registrySettings));
  const letters = (await foldLetters(source)).letters();
  const letter = letters.find((one) => one.place === place);
  let whole: DeadLetter | undefined;
  if (letter !== undefined) {
    await readWhole(source, [letter], (_, found) => {
      whole = found;
    });
  }
  if (letter === undefined || whole === undefined) {
    console.error(`there is no dead letter ${place}; letters are kept for 30 days`);
    process.exitCode = NOTHING_MATCHED;
    return;
  }
  if (raw === true) {
    if (letter.truncatedFrom !== undefined)
      console.error(`only the beginning was kept, of ${letter.truncatedFrom} bytes`);
    process.stdout.write(whole.value ?? new Uint8Array());
    return;
  }
  const value = await readValue(whole.value, registry);
  const history = historyOf(letter, letters);
  if (json === true) printJson(letterDocument(letter, whole, value, history));
  else console.log(letterText(letter, whole, value, history));
}

async function redriveChosen(places: readonly string[], flags: RedriveFlags, command: Command): Promise<void> {
  const selection = chosen(places, flags, command);
  const source = openSource();
  const fold = await foldLetters(source);
  warnOfUnreadable(fold.unreadable);
  const matching = fold.letters().filter((letter) => isSelected(letter, selection, source.topicPrefix));
  const unknown = places.filter((place) => !matching.some((letter) => letter.place === place));
  const open = matching.filter(({ redrivenAtMs }) => redrivenAtMs === undefined);
  if (unknown.length > 0) {
    console.error(`there is no dead letter ${unknown.join(', ')}; nothing was sent`);
    process.exitCode = NOTHING_MATCHED;
    return;
  }
  if (open.length === 0) {
    process.exitCode = NOTHING_MATCHED;
    report({ sent: [], sentBefore: matching, truncated: [], batches: [], tooLarge: [], gone: [] }, flags);
    return;
  }
  await targetPartitions(source.kafka, open, source.topicPrefix);
  const whole = open.filter(isOneWholeRecord).length;
  if (flags.json !== true) {
    console.log(groupTable(groupsOf(open)));
    if (flags.dryRun === true) {
      console.log(letterTable(open.slice(0, DEFAULT_LIMIT)));
      const more = open.length - DEFAULT_LIMIT;
      console.log(
        `${more > 0 ? `and ${more} more; --json prints all\n` : ''}would send ${whole} letters; nothing was sent`,
      );
    }
  } else if (flags.dryRun === true) printJson({ dry_run: true, would_send: whole, letters: open.map(letterJson) });
  if (flags.dryRun === true) return;
  if (flags.yes !== true && !isYes(await ask(`Send ${whole} letters again? (y/N) `))) {
    console.error('nothing was sent');
    process.exitCode = 1;
    return;
  }
  const progress = flags.json === true ? undefined : new ProgressLine('sent again');
  const result = await redrive(source, open, {
    perSecond: flags.rate,
    onProgress: (sent, total) => progress?.show(sent, total),
  });
  if (result.sent.length > 0) progress?.end();
  report(
    { ...result, sentBefore: [...matching.filter((letter) => !open.includes(letter)), ...result.sentBefore] },
    flags,
  );
  if (result.truncated.length + result.batches.length + result.tooLarge.length + result.gone.length > 0)
    process.exitCode = 1;
}

/** What was asked for; ends with the usage where it is unclear. */
function chosen(places: readonly string[], flags: RedriveFlags, command: Command): Selection {
  const filters = selectionOf(flags);
  const ways = [places.length > 0, flags.all === true, !isEmpty(filters)].filter(Boolean).length;
  if (ways === 0) command.error('error: say which: places, or --code and other options, or --all');
  if (ways > 1) command.error('error: places, options that choose, and --all can not be put together');
  return places.length > 0 ? { places: new Set(places) } : filters;
}

function report({ sent, sentBefore, truncated, batches, tooLarge, gone }: Redriven, { json }: RedriveFlags): void {
  if (json === true) {
    const places = (letters: readonly Letter[]): readonly string[] => letters.map(({ place }) => place);
    printJson({
      sent: sent.length,
      sent_before: sentBefore.length,
      letters: sent.map(letterJson),
      truncated: places(truncated),
      batches: places(batches),
      too_large: places(tooLarge),
      gone: places(gone),
    });
    return;
  }
  const before = sentBefore.length === 0 ? '' : `; ${sentBefore.length} had been sent before`;
  console.log(sent.length === 0 ? `nothing to send${before}` : `sent ${sent.length} letters again${before}`);
  for (const { place } of truncated)
    console.error(`${place} was not sent: only its beginning was kept. Its publisher has to send it again`);
  for (const { place, batchFrom } of batches)
    console.error(
      `${place} was not sent: it is a whole batch, from offset ${batchFrom}, that can’t be read. Its publisher has to send it again`,
    );
  for (const { place } of tooLarge) console.error(`${place} was not sent: its topic takes no record that large`);
  for (const { place } of gone) console.error(`${place} was not sent: the topic’s retention has deleted the letter`);
}
