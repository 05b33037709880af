import { Command, Option } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  assertMigrated,
  choiceOf,
  connectClickHouse,
  everybody,
  readMigrations,
  type ClickHouseClient,
} from '@laurel/clickhouse';
import { personFiguresValues, personVisibilityValues, topics, type PersonProfile } from '@laurel/events';
import { assertTopics } from '@laurel/kafka';
import {
  changeProfile,
  profileFaultTexts,
  readPeople,
  resetProfile,
  type PeopleDefault,
  type PeopleTopic,
  type ProfileChange,
  type ProfileFault,
} from '@laurel/policy';
import { clickHouseConnection, clickHouseSettings, kafkaSettings, peopleSettings } from '@laurel/service-host/settings';
import { fromEnvironment, kafkaFrom } from '../environment.js';
import { harmless } from '../terminal.js';

const settings = { ...kafkaSettings, ...clickHouseSettings, ...peopleSettings };

/** How long to wait for the tables; usage-projector takes some tenths of a second. */
const EFFECT_TIMEOUT_MS = 30_000;

/** A choice that can't be: nothing was changed. */
class RefusedChoice extends Error {
  constructor(readonly code: ProfileFault) {
    super(`${code}: ${profileFaultTexts[code]}. Nothing was changed.`);
  }
}

interface World {
  readonly topic: PeopleTopic;
  readonly clickhouse: ClickHouseClient;
  readonly standard: PeopleDefault;
}

interface Flags {
  readonly json?: boolean;
}

interface SetFlags extends Flags {
  readonly visibility?: PersonProfile['visibility'];
  readonly figures?: PersonProfile['figures'];
  readonly name?: string;
  readonly handle?: string;
}

const USER = 'the pseudonym (user_id) that publishers use';

export function peopleCommand(): Command {
  return new Command('people')
    .description('how people are shown: their own choice, entered for them by an admin')
    .addCommand(
      new Command('show')
        .description('what a person chose, and how they are shown')
        .argument('<user>', USER)
        .option('--json', 'print the result as JSON')
        .action((user: string, flags: Flags) => inWorld((world) => show(world, user, flags))),
    )
    .addCommand(
      new Command('set')
        .description('change how a person is shown; what is not named stays as it is')
        .argument('<user>', USER)
        .addOption(
          new Option('--visibility <how>', 'by name, by handle, or in no list').choices(personVisibilityValues),
        )
        .option('--name <text>', 'the name; an empty text takes it away')
        .option('--handle <text>', 'the handle; an empty text goes back to the generated one')
        .addOption(new Option('--figures <how>', 'how exactly their figures are shown').choices(personFiguresValues))
        .option('--json', 'print the result as JSON')
        .addHelpText(
          'after',
          `
Whoever is hidden still counts in totals. A title they hold is no longer shown, and is passed on within seconds.
A handle is one person's: who is first keeps it, also against those that look alike.

Exit status: 0 changed, or so already; 1 refused or failed. docs/reference/people.md says what each choice does.`,
        )
        .action((user: string, flags: SetFlags) => inWorld((world) => set(world, user, flags))),
    )
    .addCommand(
      new Command('reset')
        .description('take a person’s choice back: the company’s default holds')
        .argument('<user>', USER)
        .option('--json', 'print the result as JSON')
        .action((user: string, flags: Flags) => inWorld((world) => reset(world, user, flags))),
    );
}

async function inWorld(work: (world: World) => Promise<void>): Promise<void> {
  const config = fromEnvironment(settings);
  const clickhouse = connectClickHouse(clickHouseConnection(config, 'laurel-people'));
  const topic = { kafka: kafkaFrom(config), topicPrefix: config.topicPrefix };
  const standard = { visibility: config.peopleVisibility, figures: config.peopleFigures };
  try {
    await assertMigrated(clickhouse, await readMigrations());
    await assertTopics(topic.kafka, [topics.peopleProfiles], topic.topicPrefix);
    await work({ topic, clickhouse, standard });
  } finally {
    await clickhouse.close();
  }
}

async function show(world: World, userId: string, flags: Flags): Promise<void> {
  const people = await readPeople(world.topic, world.standard);
  const choice = people.profileOf(userId) ?? null;
  const shown = people.shownAs(userId);
  const inEffect = isInTable(await choiceOf(world.clickhouse, userId), choice);
  if (flags.json === true) {
    const { kind, ...rest } = shown;
    console.log(
      JSON.stringify(
        { user_id: userId, choice, hidden: kind === 'hidden', ...rest, in_effect: inEffect },
        undefined,
        2,
      ),
    );
    return;
  }
  const how =
    shown.kind === 'hidden'
      ? 'is hidden: in no list, counted in totals'
      : `is shown as ${shown.name === null ? '' : `${harmless(shown.name)}, `}${shown.handle}, figures ${shown.figures}`;
  const since =
    choice === null
      ? 'by the company’s default'
      : `chosen ${new Date(choice.changed_at).toISOString()} (${choice.changed_by})`;
  console.log(
    `${harmless(userId)} ${how}; ${since}.${inEffect ? '' : ' Not in every list yet: is usage-projector running?'}`,
  );
}

async function set(world: World, userId: string, { visibility, figures, name, handle, json }: SetFlags): Promise<void> {
  const change: ProfileChange = {
    ...(visibility === undefined ? {} : { visibility }),
    ...(figures === undefined ? {} : { figures }),
    ...(name === undefined ? {} : { display_name: name === '' ? null : name }),
    ...(handle === undefined ? {} : { handle: handle === '' ? null : handle }),
  };
  if (Object.keys(change).length === 0) throw new Error('nothing to set: see laurel people set --help');
  const changed = await changeProfile(world.topic, userId, change, {
    standard: world.standard,
    pseudonyms: () => everybody(world.clickhouse),
    changedBy: 'admin',
    nowMs: Date.now(),
  });
  if (!changed.ok) throw new RefusedChoice(changed.code);
  await waitForEffect(world, userId, changed.profile);
  await show(world, userId, json === undefined ? {} : { json });
}

async function reset(world: World, userId: string, flags: Flags): Promise<void> {
  await resetProfile(world.topic, userId);
  await waitForEffect(world, userId, null);
  await show(world, userId, flags);
}

/** So that whoever ran this knows that no list and no award begun from now on shows what is over. */
async function waitForEffect({ clickhouse }: World, userId: string, choice: PersonProfile | null): Promise<void> {
  const deadline = Date.now() + EFFECT_TIMEOUT_MS;
  while (!isInTable(await choiceOf(clickhouse, userId), choice) && Date.now() < deadline) await sleep(100);
}

function isInTable(row: Awaited<ReturnType<typeof choiceOf>>, choice: PersonProfile | null): boolean {
  if (choice === null || row === undefined || row === null) return choice === null && (row ?? null) === null;
  return row.visibility === choice.visibility && row.figures === choice.figures && row.changed_at === choice.changed_at;
}
