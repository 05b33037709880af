import { readFile } from 'node:fs/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { stringify } from 'yaml';
import { assertMigrated, connectClickHouse, readMigrations } from '@laurel/clickhouse';
import { titleRules, topics } from '@laurel/events';
import { RecordProducer } from '@laurel/kafka';
import { readPeople } from '@laurel/policy';
import { clickHouseConnection, clickHouseSettings, kafkaSettings, peopleSettings } from '@laurel/service-host/settings';
import {
  publishedRules,
  readRulesFile,
  ruleChanges,
  type RuleChange,
  type RulesFileFault,
  type TitleRule,
} from '@laurel/titles';
import { dayKey } from '@laurel/usage';
import { fromEnvironment, kafkaFrom } from '../environment.js';
import { ask, harmless, isYes, plural } from '../terminal.js';
import { explainPerson } from '../titles/explain.js';
import { explainedLines } from '../titles/explained-text.js';
import { rulesInForce } from '../titles/rules-in-force.js';
import { simulateTitles } from '../titles/simulate.js';
import { simulatedCsv, simulatedText } from '../titles/simulated-text.js';

/** The key of every record of `titles.rules.v1`. */
const KEY = 'titles';

interface Flags {
  readonly json?: boolean;
}

interface ApplyFlags extends Flags {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

interface SimulateFlags extends Flags {
  readonly from?: number;
  readonly to: number;
  readonly every: number;
  readonly csv?: boolean;
}

interface ExplainFlags extends Flags {
  readonly title?: readonly string[];
  readonly at: number;
}

export function titlesCommand(): Command {
  return new Command('titles')
    .description('the rules of the titles, and why somebody holds one or not')
    .addCommand(
      new Command('validate')
        .description('check a rules file; needs neither Kafka nor ClickHouse')
        .argument('<file>', 'a titles.yaml; - for standard input')
        .option('--json', 'print the outcome as JSON')
        .addHelpText('after', '\nExit status: 0 valid, 1 not valid. The format: docs/reference/titles.md')
        .action(validate),
    )
    .addCommand(
      new Command('show')
        .description('print the rules in force, as a rules file')
        .option('--json', 'print them as JSON')
        .action(show),
    )
    .addCommand(
      new Command('apply')
        .description('put the rules of a file in force; running services follow within a second')
        .argument('<file>', 'a titles.yaml; - for standard input')
        .option('--dry-run', 'show what would change, and change nothing')
        .option('-y, --yes', 'do not ask, even where titles are removed')
        .option('--json', 'print the outcome as JSON')
        .addHelpText(
          'after',
          `
What the file does not list is no title any more: its holders lose it, by an award event each. A rule that judges
differently needs a higher version; its title is then judged anew, without margin.

Exit status: 0 in force (or nothing to change), 1 not valid, refused or not confirmed.`,
        )
        .action(apply),
    )
    .addCommand(
      new Command('simulate')
        .description('say who would have held each title and when, had these rules been in force')
        .argument('[file]', 'a titles.yaml; - for standard input; the rules in force when it is not given')
        .option('--from <instant>', 'the first evaluation; 30 days before the last unless said', instant)
        .option('--to <instant>', 'the last evaluation', instant, Date.now())
        .option('--every <hours>', 'between two evaluations, 1 to 24', hours, 1)
        .addOption(new Option('--json', 'print it as JSON').conflicts('csv'))
        .option('--csv', 'print a row for each time that somebody would have held a title, as CSV')
        .addHelpText(
          'after',
          `
Nothing is awarded or changed. Usage counts from the hour on that follows it; what was corrected or came late is counted at
its own time, as it is known now. People are hidden and shown as they are now. The figures are copied into a database of
their own beside Laurel’s, which is dropped at the end.

Exit status: 0 simulated, 1 not valid or failed.`,
        )
        .action(simulate),
    )
    .addCommand(
      new Command('explain')
        .description('say why a person holds each title or not, what is missing, and how far the holder is ahead')
        .argument('<user>', 'the pseudonym (user_id) that publishers use')
        .option('--title <id...>', 'only these titles')
        .option('--at <instant>', 'as of an earlier time, such as 2026-11-01: see below', instant, Date.now())
        .option('--json', 'print it as JSON')
        .addHelpText(
          'after',
          `
With --at the awards until then are taken, and the figures of the UTC days up to that day, the day whole, as they are known
now: what was corrected or came late since is in them. The rules are those in force now.

Holders are not named, only their values. Exit status: 0 explained, 1 failed or no such title.`,
        )
        .action(explain),
    );
}

const instant = (text: string): number => {
  const ms = Date.parse(text);
  if (!Number.isFinite(ms)) throw new InvalidArgumentError('not a date or time');
  if (ms > Date.now()) throw new InvalidArgumentError('in the future');
  return ms;
};

const hours = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 24)
    throw new InvalidArgumentError('not a whole number from 1 to 24');
  return value;
};

async function simulate(file: string | undefined, flags: SimulateFlags): Promise<void> {
  const read = file === undefined ? [] : await readRules(file);
  if (areFaults(read)) {
    report(file ?? '', read, flags);
    return;
  }
  const toMs = Math.floor(flags.to / HOUR_MS) * HOUR_MS;
  const fromMs = flags.from === undefined ? toMs - 30 * DAY_MS : Math.ceil(flags.from / HOUR_MS) * HOUR_MS;
  if (fromMs > toMs) throw new Error('--from is after --to');
  const config = fromEnvironment({ ...kafkaSettings, ...clickHouseSettings, ...peopleSettings });
  const { topicPrefix } = config;
  const kafka = kafkaFrom(config);
  const rules = file === undefined ? (await rulesInForce(kafka, topicPrefix)).rules : read;
  const standard = { visibility: config.peopleVisibility, figures: config.peopleFigures };
  const people = await readPeople({ kafka, topicPrefix }, standard);
  const connection = clickHouseConnection(config, 'laurel-titles');
  const clickhouse = connectClickHouse(connection);
  const ending = new AbortController();
  const end = (): void => ending.abort(new Error('interrupted'));
  process.once('SIGINT', end).once('SIGTERM', end);
  const onProgress = (line: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
  };
  try {
    await assertMigrated(clickhouse, await readMigrations());
    const period = { fromMs, toMs, everyHours: flags.every };
    const world = { clickhouse, connection, people, signal: ending.signal, onProgress };
    const simulation = await simulateTitles(world, rules, period);
    onProgress('');
    if (flags.json === true) print(simulation);
    else console.log(flags.csv === true ? simulatedCsv(simulation).trimEnd() : simulatedText(simulation));
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
    await clickhouse.close();
  }
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

async function explain(userId: string, flags: ExplainFlags): Promise<void> {
  const config = fromEnvironment({ ...kafkaSettings, ...clickHouseSettings });
  const clickhouse = connectClickHouse(clickHouseConnection(config, 'laurel-titles'));
  try {
    await assertMigrated(clickhouse, await readMigrations());
    const world = { kafka: kafkaFrom(config), clickhouse, topicPrefix: config.topicPrefix };
    const { titles, unknown } = await explainPerson(world, userId, flags.title ?? [], flags.at);
    if (flags.json === true) {
      const explained = titles.map(({ rule, scope, window, explanation, tier, leftOut, history }) => ({
        ...explanation,
        tier,
        scope,
        version: rule.version,
        left_out: leftOut.map(({ day, signal, evidence }) => ({ day: dayKey(day), signal, evidence })),
        window: { start: new Date(window.startMs).toISOString(), end: new Date(window.endMs).toISOString() },
        history,
      }));
      print({ user_id: userId, at: new Date(flags.at).toISOString(), titles: explained, unknown });
    } else {
      console.log(titles.map((one) => explainedLines(one).join('\n')).join('\n\n'));
    }
    if (unknown.length > 0) {
      console.error(`no title in force: ${harmless(unknown.join(', '))}`);
      process.exitCode = 1;
    }
  } finally {
    await clickhouse.close();
  }
}

async function readRules(file: string): Promise<readonly TitleRule[] | readonly RulesFileFault[]> {
  const text = await (file === '-' ? readStandardInput() : readFile(file, 'utf8'));
  const parsed = readRulesFile(text);
  return parsed.ok ? parsed.rules : parsed.faults;
}

async function readStandardInput(): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of process.stdin) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('utf8');
}

const areFaults = (read: readonly TitleRule[] | readonly RulesFileFault[]): read is readonly RulesFileFault[] =>
  read.length > 0 && read[0] !== undefined && 'code' in read[0];

function report(file: string, faults: readonly RulesFileFault[], { json }: Flags): void {
  process.exitCode = 1;
  if (json === true) {
    print({ file, valid: false, faults });
    return;
  }
  for (const { line, column, rule, field, message } of faults) {
    const place = [rule === null ? [] : [rule], field === '' ? [] : [field]].flat().join(': ');
    console.error(harmless(`${file}:${line}:${column}: ${place === '' ? '' : `${place} `}${message}`));
  }
}

async function validate(file: string, flags: Flags): Promise<void> {
  const rules = await readRules(file);
  if (areFaults(rules)) {
    report(file, rules, flags);
  } else if (flags.json === true) {
    print({ file, valid: true, titles: rules });
  } else {
    console.log(`${file}: ${plural(rules.length, 'title')}, valid`);
  }
}

async function show({ json }: Flags): Promise<void> {
  const config = fromEnvironment(kafkaSettings);
  const { rules, offset } = await rulesInForce(kafkaFrom(config), config.topicPrefix);
  if (json === true) {
    print({ published: offset >= 0, titles: rules });
    return;
  }
  const origin = offset >= 0 ? 'As published last.' : 'Laurel’s own: nothing was published.';
  console.log(`# ${origin}\n${stringify({ titles: rules })}`.trimEnd());
}

async function apply(file: string, flags: ApplyFlags): Promise<void> {
  const rules = await readRules(file);
  if (areFaults(rules)) {
    report(file, rules, flags);
    return;
  }
  const config = fromEnvironment(kafkaSettings);
  const { topicPrefix } = config;
  const kafka = kafkaFrom(config);
  const book = await rulesInForce(kafka, topicPrefix);
  const changes = ruleChanges(book, rules);
  const say = (line: string): void => (flags.json === true ? console.error(line) : console.log(line));
  const conclude = (applied: boolean): void => {
    if (flags.json === true) print({ file, valid: true, changes, applied });
  };
  for (const change of changes) say(`${change.kind.padEnd(9)} ${change.id}${hint(change)}`);
  if (changes.some(({ kind }) => kind === 'refused')) {
    say('Nothing was changed.');
    process.exitCode = 1;
    conclude(false);
    return;
  }
  if (changes.length === 0 || flags.dryRun === true) {
    if (changes.length === 0) say('These rules are in force already.');
    conclude(false);
    return;
  }
  const removed = changes.filter(({ kind }) => kind === 'removed').length;
  if (removed > 0 && flags.yes !== true) {
    const answer = await ask(
      `The holders of ${plural(removed, 'title')} lose ${removed === 1 ? 'it' : 'them'}. Go on? [y/N] `,
    );
    if (!isYes(answer)) {
      say('Nothing was changed.');
      process.exitCode = 1;
      conclude(false);
      return;
    }
  }
  const producer = new RecordProducer(kafka, topicPrefix);
  try {
    await producer.connect();
    const value = titleRules.encode(publishedRules(rules, Date.now()));
    await producer.send(topics.titleRules.name, [{ key: KEY, value }]);
  } finally {
    await producer.close();
  }
  say(`${plural(rules.length, 'title')} in force.`);
  conclude(true);
}

function hint(change: RuleChange): string {
  switch (change.kind) {
    case 'refused':
      return `: ${change.message}`;
    case 'removed':
      return ': its holders lose it';
    case 'rejudged':
      return ': judged anew under its new version';
    case 'added':
    case 'reworded':
      return '';
    default:
      return change satisfies never;
  }
}

const print = (value: unknown): void => console.log(JSON.stringify(value, undefined, 2));
