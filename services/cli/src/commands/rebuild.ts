import { Command, Option } from 'commander';
import { assertMigrated, connectClickHouse, readMigrations } from '@laurel/clickhouse';
import { topics } from '@laurel/events';
import { priceSettings } from '@laurel/ingest';
import { assertTopics, RecordProducer, SchemaRegistry } from '@laurel/kafka';
import {
  classifyOutage,
  clickHouseConnection,
  clickHouseSettings,
  kafkaSettings,
  registryConnection,
  registrySettings,
} from '@laurel/service-host/settings';
import { ProgressLine } from '../demo/progress.js';
import { fromEnvironment, kafkaFrom } from '../environment.js';
import { ask, isYes } from '../terminal.js';
import { rebuild, type LogFigures, type RebuildProgress, type RebuildReport } from '../rebuild/rebuild.js';

const settings = { ...kafkaSettings, ...clickHouseSettings, ...registrySettings, ...priceSettings };

/** A day of a large company may take minutes to roll. */
const STATEMENT_TIMEOUT_MS = 3_600_000;

interface Flags {
  readonly from: 'kafka' | 'events';
  readonly dryRun?: boolean;
  readonly acceptRefused?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export function rebuildCommand(): Command {
  return new Command('rebuild')
    .description('make the tables anew beside those in use, then exchange them in one step; nothing stops meanwhile')
    .addOption(
      new Option(
        '--from <source>',
        'kafka: read every event and outcome again, for when their tables themselves are wrong; events: only compute the projections again',
      )
        .choices(['kafka', 'events'])
        .makeOptionMandatory(),
    )
    .option('--dry-run', 'make everything, compare it with what is there, and drop it again')
    .option(
      '--accept-refused',
      'go on where records that the tables have are refused now, and keep them as dead letters',
    )
    .option('-y, --yes', 'do not ask')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
It needs room for a second copy of what it makes, in the database <database>_rebuild. Readers see all of the old figures until
they see all of the new; hours that are open are rolled by usage-projector right after.

From Kafka it refuses to run where the log has lost (by its retention) records that the tables hold, and stops at a record that
the tables hold and that is refused now, as its event would vanish. Erased people stay erased.
A rebuild that was interrupted leaves everything as it was, or is ended by the next one.

Exit status: 0 done, 1 failed or not confirmed.`,
    )
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const config = fromEnvironment(settings);
  const kafka = kafkaFrom(config);
  const { topicPrefix } = config;
  const connection = { ...clickHouseConnection(config, 'laurel-rebuild'), requestTimeoutMs: STATEMENT_TIMEOUT_MS };
  const clickhouse = connectClickHouse(connection);
  const producer = new RecordProducer(kafka, topicPrefix);
  try {
    await assertMigrated(clickhouse, await readMigrations());
    await assertTopics(kafka, [topics.usageEvents, topics.usageOutcomes, topics.usageStored], topicPrefix);
    if (
      flags.dryRun !== true &&
      flags.yes !== true &&
      !isYes(await ask(`Make the tables of ${connection.database} anew and exchange them? (y/N) `))
    ) {
      console.error('Nothing was changed.');
      process.exitCode = 1;
      return;
    }
    await producer.connect();
    const report = await rebuild(
      {
        clickhouse,
        connection,
        kafka,
        producer,
        topicPrefix,
        registry: new SchemaRegistry(registryConnection(config)),
        prices: config.prices,
        policy: {
          classify: classifyOutage,
          onOutage: (step, error) => console.error(`${step}: waiting for an outage to end: ${error.message}`),
        },
      },
      { from: flags.from, dryRun: flags.dryRun === true, acceptRefused: flags.acceptRefused === true },
      flags.json === true ? silent : progressOnTerminal(),
    );
    console.log(flags.json === true ? JSON.stringify(report, undefined, 2) : inWords(report));
  } finally {
    await producer.close();
    await clickhouse.close();
  }
}

const silent: RebuildProgress = { step: () => undefined, at: () => undefined };

function progressOnTerminal(): RebuildProgress {
  let line: ProgressLine | undefined;
  return {
    step: (name) => {
      line?.end();
      line = new ProgressLine(name);
      console.log(name);
    },
    at: (done, total) => line?.show(done, total),
  };
}

function inWords(report: RebuildReport): string {
  const { before, after, records, days, seconds } = report;
  const lines = [
    report.exchanged ? 'Rebuilt and exchanged.' : 'Rebuilt, compared and dropped; nothing was changed.',
    `${days} days rolled in ${seconds} s`,
  ];
  if (report.from === 'kafka') {
    lines.push(
      `read from Kafka: ${records.rows} stored, ${records.dead} invalid, ${records.erased} of erased people`,
      ...(records.refused === 0
        ? []
        : [`of the invalid ones ${records.refused} are in the tables, and would vanish from the figures`]),
      `before: ${figures(before)}`,
      `after:  ${figures(after)}`,
    );
  }
  if (report.exchanged) lines.push(`usage-projector was told to roll the open hours of ${report.announced_days} days`);
  return lines.join('\n');
}

const figures = ({ events, retracted, tokens, outcomes }: LogFigures): string =>
  `${events.toLocaleString('en')} events, ${BigInt(tokens).toLocaleString('en')} tokens, ${retracted} retracted; ${outcomes.toLocaleString('en')} outcomes`;
