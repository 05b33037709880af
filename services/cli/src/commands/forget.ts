import { Command } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertMigrated, connectClickHouse, readMigrations, sweepErased } from '@laurel/clickhouse';
import { topics } from '@laurel/events';
import { assertTopics, RecordProducer } from '@laurel/kafka';
import { clickHouseConnection, clickHouseSettings, kafkaSettings } from '@laurel/service-host/settings';
import { fromEnvironment, kafkaFrom } from '../environment.js';
import { ask } from '../terminal.js';
import { erase, holdingsOf, titlesOf, type ErasureWorld, type Holdings } from '../erasure/forget.js';

const settings = { ...kafkaSettings, ...clickHouseSettings };

/** How long to wait for the titles to be passed on; it takes one evaluation, some seconds. */
const TITLES_TIMEOUT_MS = 60_000;

/** Whole tables are read. */
const STATEMENT_TIMEOUT_MS = 3_600_000;

interface Flags {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

const DAY_MS = 86_400_000;
const daysKept = (topic: { readonly config: Readonly<Record<string, string>> }): number =>
  Number(topic.config['retention.ms']) / DAY_MS;

/** What an erasure does not reach, and for how long it stays there. */
const BEYOND_REACH = [
  `records in Kafka, until their retention ends: ${daysKept(topics.usageEvents)} days in ${topics.usageEvents.name} and ${topics.usageOutcomes.name}, ` +
    `${daysKept(topics.deadLetters)} in ${topics.deadLetters.name} and ${topics.undelivered.name} (as declared; yours may differ)`,
  `award events in ${topics.titleAwards.name}, which are kept for ever, and whatever subscribers have stored of them`,
  `what they chose of how to be shown: an empty record replaces it in ${topics.peopleProfiles.name} at once, and Kafka’s compaction ` +
    'removes both, name and handle first, within some days of changes by others',
  'backups and query logs of ClickHouse; its replaced files, for about 8 minutes',
];

export function forgetCommand(): Command {
  return new Command('forget')
    .description(
      'erase a person: their events, outcomes and figures, their titles, and whatever of theirs is sent again',
    )
    .argument('<user>', 'the pseudonym (user_id) that publishers use')
    .option('--dry-run', 'show what is held of the person, and change nothing')
    .option('-y, --yes', 'do not ask')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
The person's pseudonym is not stored: SHA-256 of it goes on a list that ingest, projections, titles and rebuilds apply, so
that it stays erased. There is no way back. Run it again at any time; a run that was interrupted goes on.

It does not reach:
${BEYOND_REACH.map((line) => `  - ${line}`).join('\n')}

Exit status: 0 erased, 1 failed or not confirmed. What was being stored at that very moment is left out of every figure, and
deleted by: laurel audit --heal --check erasures`,
    )
    .action(forget);
}

async function forget(userId: string, flags: Flags): Promise<void> {
  const config = fromEnvironment(settings);
  const kafka = kafkaFrom(config);
  const { topicPrefix } = config;
  const connection = clickHouseConnection(config, 'laurel-forget');
  const clickhouse = connectClickHouse({ ...connection, requestTimeoutMs: STATEMENT_TIMEOUT_MS });
  const producer = new RecordProducer(kafka, topicPrefix);
  const world: ErasureWorld = { clickhouse, kafka, producer, topicPrefix };
  const say = (line: string): void => (flags.json === true ? console.error(line) : console.log(line));
  try {
    await assertMigrated(clickhouse, await readMigrations());
    await assertTopics(
      kafka,
      [topics.usageStored, topics.titleHolders, topics.titleTiers, topics.peopleProfiles],
      topicPrefix,
    );
    await producer.connect();

    const held = await holdingsOf(world, userId);
    say(`${userId}: ${describe(held)}`);
    if (flags.dryRun === true) {
      if (flags.json === true) print({ user_id: userId, erased: false, ...summary(held) });
      return;
    }
    if (flags.yes !== true && (await ask('There is no way back. Type the pseudonym to erase it: ')) !== userId) {
      say('Nothing was changed.');
      process.exitCode = 1;
      return;
    }
    const deleted = new Map(await erase(world, userId, held.days));
    for (const [table, rows] of deleted) say(`deleted ${rows} rows of ${table}`);
    const left = await titlesPassedOn(world, userId);
    for (const [table, rows] of await sweepErased(clickhouse)) deleted.set(table, (deleted.get(table) ?? 0) + rows);
    if (flags.json === true) {
      const rows = Object.fromEntries(deleted);
      print({
        user_id: userId,
        erased: true,
        ...summary(held),
        deleted: rows,
        titles_left: left,
        beyond_reach: BEYOND_REACH,
      });
      return;
    }
    if (left.length > 0) {
      say(`Still holds ${left.join(', ')}: title-awarder passes them on as soon as it runs.`);
    }
    say(`Erased. Beyond reach:\n${BEYOND_REACH.map((line) => `  - ${line}`).join('\n')}`);
  } finally {
    await producer.close();
    await clickhouse.close();
  }
}

const print = (value: unknown): void => console.log(JSON.stringify(value, undefined, 2));

const summary = ({ events, outcomes, days, titles, hasChoice }: Holdings) => ({
  events,
  outcomes,
  days: days.length,
  titles,
  choice: hasChoice,
});

function describe({ events, outcomes, days, titles, hasChoice }: Holdings): string {
  if (events === 0 && outcomes === 0 && days.length === 0 && titles.length === 0 && !hasChoice)
    return 'nothing is held of this person';
  const holds = titles.length === 0 ? 'holds no title' : `holds ${titles.join(', ')}`;
  return `${events} events and ${outcomes} outcomes on ${days.length} days; ${holds}${hasChoice ? '; chose how to be shown' : ''}`;
}

/** Waits until subscribers are told of new holders. */
async function titlesPassedOn(world: ErasureWorld, userId: string): Promise<readonly string[]> {
  const deadline = Date.now() + TITLES_TIMEOUT_MS;
  for (;;) {
    const titles = await titlesOf(world, userId);
    if (titles.length === 0 || Date.now() > deadline) return titles;
    await sleep(1000);
  }
}
