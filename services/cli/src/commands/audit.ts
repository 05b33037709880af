import { Command, InvalidArgumentError, Option } from 'commander';
import { assertMigrated, checkNames, connectClickHouse, readMigrations, type CheckName } from '@laurel/clickhouse';
import { priceSettings } from '@laurel/ingest';
import { RecordProducer } from '@laurel/kafka';
import {
  clickHouseConnection,
  clickHouseSettings,
  integer,
  kafkaSettings,
  registryConnection,
  registrySettings,
} from '@laurel/service-host/settings';
import { dayStartMs, parseDayKey } from '@laurel/usage';
import { keep } from '../audit/keep.js';
import { Progress } from '../audit/progress.js';
import { exitStatusOf, toJson, toText } from '../audit/report.js';
import { nothingChecked, runAudit, type AuditReport } from '../audit/run.js';
import { AuditWorld, messageOf } from '../audit/world.js';
import { fromEnvironment, kafkaFrom } from '../environment.js';

const settings = {
  ...kafkaSettings,
  ...clickHouseSettings,
  ...registrySettings,
  ...priceSettings,
  hourCloseDelayMs: integer('LAUREL_PROJECTOR_HOUR_CLOSE_DELAY_MS', 0, 86_400_000, {
    description: 'how long after its end an hour is closed',
    default: '300000',
  }),
};

/** Longer than the comparison of any one day should take, in ms. */
const QUERY_TIMEOUT_MS = 600_000;

interface Flags {
  readonly heal?: boolean;
  readonly json?: boolean;
  readonly check?: readonly CheckName[];
  readonly since?: number;
  readonly sample: number;
  readonly limit: number;
  readonly patience: number;
}

const day = (text: string): number => {
  const parsed = parseDayKey(text);
  if (parsed === undefined) throw new InvalidArgumentError('not a day as YYYY-MM-DD');
  return dayStartMs(parsed) / 1000;
};
const whole =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`not a whole number from ${least}`);
    return value;
  };

export function auditCommand(): Command {
  return new Command('audit')
    .description('compare the log, the tables and the titles with each other, while everything runs')
    .option(
      '--heal',
      'mend what is found, and check it again; retracts conflicting events only when that check is named',
    )
    .addOption(new Option('--check <name...>', 'only these checks').choices(checkNames))
    .option('--since <day>', 'events and figures from this UTC day on only, YYYY-MM-DD; default all', day)
    .option('--sample <n>', 'how many records of the log to look up', whole(0), 1000)
    .option('--limit <n>', 'how many findings of each check to list', whole(0), 100)
    .option('--patience <seconds>', 'how long to wait for a server or service that gives no sign', whole(1), 60)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Checks, in the order in which they are made:
  erasures    rows left of people who were erased. Heals: deletes them
  ledger      every record of the log that was read has an outcome. Heals: reads the missing ones again
  identities  a sample of records is in usage_events. Heals: reads the missing ones again
  conflicts   no event id counts under several users or times. Heals, when named: retracts all but the earliest
  heads       every bucket with events has a head, its roll is there, and the boundaries are sound. Heals: rolls anew
  buckets     the figures of every bucket are those of the log, a day's those of its hours. Heals: rolls anew
  holders     titles.holders.v1 and titles.tiers.v1 are the fold of titles.awards.v1. Heals: writes what differs

Exit status:
  0   nothing found, or all of it healed and checked again; warnings do not count
  1   findings are left
  2   no findings, but something could not be checked
  78  the environment is not valid

Nothing is stopped or locked. The result is on the page's Health too. docs/operations/audit.md says what each finding means, and describes the JSON document.`,
    )
    .action(audit);
}

function print(report: AuditReport, { json, limit }: Flags): void {
  console.log(json === true ? JSON.stringify(toJson(report, limit), undefined, 2) : toText(report, limit));
  process.exitCode = exitStatusOf(report);
}

async function audit(flags: Flags): Promise<void> {
  const config = fromEnvironment(settings);
  const checks = flags.check ?? checkNames;
  const kafka = kafkaFrom(config);
  const world = new AuditWorld(
    kafka,
    connectClickHouse({ ...clickHouseConnection(config, 'laurel-audit'), requestTimeoutMs: QUERY_TIMEOUT_MS }),
    new RecordProducer(kafka, config.topicPrefix),
    {
      topicPrefix: config.topicPrefix,
      registry: registryConnection(config),
      prices: config.prices,
      patienceMs: flags.patience * 1000,
      hourCloseDelayMs: config.hourCloseDelayMs,
    },
    new Progress(),
  );
  try {
    const migrations = await readMigrations();
    await world.attempt('connecting to ClickHouse', () => assertMigrated(world.clickhouse, migrations));
    await world.attempt('connecting to Kafka', () => world.producer.connect());
    const since = flags.since ?? 0;
    const report = await runAudit(world, {
      checks,
      heal: flags.heal === true,
      named: flags.check !== undefined,
      since,
      sample: flags.sample,
    });
    print(report, flags);
    await keep(world, report, since).catch((error: unknown) => {
      console.error(`The result is not on the Health page, as it could not be kept: ${messageOf(error)}`);
    });
  } catch (error) {
    print(nothingChecked(checks, messageOf(error)), flags);
  } finally {
    world.progress.clear();
    await world.close();
  }
}
