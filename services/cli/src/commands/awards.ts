import { Command } from 'commander';
import { awardEvent } from '@laurel/events';
import { kafkaSettings } from '@laurel/service-host/settings';
import { askForRedelivery } from '../awards/redeliver.js';
import {
  foldUndelivered,
  isSelected,
  undeliveredJson,
  undeliveredTable,
  type AwardSource,
} from '../awards/undelivered.js';
import { fromEnvironment, kafkaFrom } from '../environment.js';
import { ask, isYes } from '../terminal.js';

/** Nothing matched: neither done nor failed. */
const NOTHING_MATCHED = 2;
const STATUS_HELP = '\nExit status: 0 done, 1 failed, 2 nothing matched, 78 the environment is not valid.';

interface ListFlags {
  readonly endpoint?: string;
  readonly json?: true;
}

interface RedeliverFlags extends ListFlags {
  readonly all?: true;
  readonly yes?: true;
}

export function awardsCommand(): Command {
  return new Command('awards')
    .description('awards that a webhook’s endpoint did not take: see them, and have them delivered again')
    .addCommand(
      new Command('undelivered')
        .description('print the awards that were given up and not asked for again, the oldest first')
        .option('--endpoint <name>', 'given up for this endpoint')
        .option('--json', 'one JSON document')
        .addHelpText('after', STATUS_HELP)
        .action(list),
    )
    .addCommand(
      new Command('redeliver')
        .description('have award-notifier deliver awards again; each once, also when run again or twice at once')
        .argument('[award...]', 'awards by their ids, for every endpoint that did not take them')
        .option('--endpoint <name>', 'for this endpoint; alone, all that it did not take')
        .option('--all', 'every award, for every endpoint')
        .option('--yes', 'do not ask; needed where there is no terminal')
        .option('--json', 'one JSON document')
        .addHelpText('after', STATUS_HELP)
        .action(redeliver),
    );
}

function openSource(): AwardSource {
  const config = fromEnvironment(kafkaSettings);
  return { kafka: kafkaFrom(config), topicPrefix: config.topicPrefix };
}

const printJson = (document: unknown): void => console.log(JSON.stringify(document, undefined, 2));

async function list({ endpoint, json }: ListFlags): Promise<void> {
  const letters = (await foldUndelivered(openSource())).open().filter((letter) => isSelected(letter, { endpoint }));
  if (letters.length === 0 && endpoint !== undefined) process.exitCode = NOTHING_MATCHED;
  if (json === true) printJson({ undelivered: letters.map(undeliveredJson) });
  else console.log(letters.length === 0 ? 'there are no undelivered awards' : undeliveredTable(letters));
}

async function redeliver(awards: readonly string[], flags: RedeliverFlags, command: Command): Promise<void> {
  const { endpoint, all, json } = flags;
  if (awards.length === 0 && endpoint === undefined && all !== true)
    command.error('error: say which: awards, --endpoint, or --all');
  if (all === true && (awards.length > 0 || endpoint !== undefined))
    command.error('error: --all can not be put together with awards or --endpoint');
  const source = openSource();
  const selection = { endpoint, awards: awards.length === 0 ? undefined : new Set(awards) };
  const chosen = (await foldUndelivered(source)).open().filter((letter) => isSelected(letter, selection));
  const found = new Set(chosen.map(({ award }) => awardEvent.decode(award).award_id));
  const unknown = awards.filter((award) => !found.has(award));
  if (unknown.length > 0 || chosen.length === 0) {
    console.error(
      unknown.length > 0
        ? `not among the undelivered: ${unknown.join(', ')}; nothing was asked for`
        : 'there are no such undelivered awards',
    );
    process.exitCode = NOTHING_MATCHED;
    return;
  }
  if (json !== true) console.log(undeliveredTable(chosen));
  if (flags.yes !== true && !isYes(await ask(`Deliver ${chosen.length} awards again? (y/N) `))) {
    console.error('nothing was asked for');
    process.exitCode = 1;
    return;
  }
  const asked = await askForRedelivery(source, chosen);
  const before = chosen.length - asked.length;
  if (json === true) printJson({ asked: asked.map(undeliveredJson), asked_before: before });
  else {
    const others = before === 0 ? '' : `; ${before} had been asked for before`;
    console.log(`asked for ${asked.length} awards again${others}. One that fails again is listed again`);
  }
}
