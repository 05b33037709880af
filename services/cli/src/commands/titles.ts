import { readFile } from 'node:fs/promises';
import { Command, InvalidArgumentError } from 'commander';
import { stringify } from 'yaml';
import { assertMigrated, connectClickHouse, readMigrations } from '@laurel/clickhouse';
import { titleRules, topics } from '@laurel/events';
import { RecordProducer } from '@laurel/kafka';
import { clickHouseConnection, clickHouseSettings, kafkaSettings } from '@laurel/service-host';
import {
  publishedRules,
  readRulesFile,
  ruleChanges,
  type RuleChange,
  type RulesFileFault,
  type TitleRule,
} from '@laurel/titles';
import { fromEnvironment, kafkaFrom } from '../environment.js';
import { ask, harmless, isYes, plural } from '../terminal.js';
import { explainPerson } from '../titles/explain.js';
import { explainedLines } from '../titles/explained-text.js';
import { rulesInForce } from '../titles/rules-in-force.js';

/** The key of every record of `titles.rules.v1`. */
const KEY = 'titles';

interface Flags {
  readonly json?: boolean;
}

interface ApplyFlags extends Flags {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
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

async function explain(userId: string, flags: ExplainFlags): Promise<void> {
  const config = fromEnvironment({ ...kafkaSettings, ...clickHouseSettings });
  const clickhouse = connectClickHouse(clickHouseConnection(config, 'laurel-titles'));
  try {
    await assertMigrated(clickhouse, await readMigrations());
    const world = { kafka: kafkaFrom(config), clickhouse, topicPrefix: config.topicPrefix };
    const { titles, unknown } = await explainPerson(world, userId, flags.title ?? [], flags.at);
    if (flags.json === true) {
      const explained = titles.map(({ rule, scope, window, explanation, history }) => ({
        ...explanation,
        scope,
        version: rule.version,
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

async function read(file: string): Promise<readonly TitleRule[] | readonly RulesFileFault[]> {
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
  const rules = await read(file);
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
  const rules = await read(file);
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
