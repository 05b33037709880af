import Table from 'cli-table3';
import { stringify } from 'csv-stringify/sync';
import { valueText } from '@laurel/titles';
import { harmless, plural } from '../terminal.js';
import type { Holding, LeftOut, Simulation, SimulatedTitle } from './simulate.js';

/** Of one title in a text; JSON and CSV have all. */
const MOST_HOLDINGS = 40;

const minute = (time: string): string => time.slice(0, 16).replace('T', ' ');
const who = ({ handle, name }: Holding): string =>
  handle === null ? '(hidden)' : harmless(name === null ? handle : `${name} (${handle})`);

/** A table for each title, with what changed hands and why. */
export function simulatedText({ from, to, evaluations, titles }: Simulation): string {
  return [
    `${minute(from)} to ${minute(to)} UTC, ${plural(evaluations, 'evaluation')}, beginning with nobody as a holder`,
    ...titles.map(titleText),
  ].join('\n\n');
}

function titleText(title: SimulatedTitle): string {
  const scope = title.scope === 'company' ? '' : `, ${harmless(title.scope)}`;
  const share =
    title.share_of_tokens === null ? '' : `; they used ${(title.share_of_tokens * 100).toFixed(1)} % of all tokens`;
  const summary = `${harmless(title.name)} (${title.title_id}${scope}): ${plural(title.people, 'person', 'people')} held it, it changed hands ${plural(title.changes, 'time')}${share}`;
  const leftOut = title.left_out === null ? [] : [leftOutText(title.left_out)];
  return [summary, ...leftOut, ...holdingsText(title), ...tiersText(title)].join('\n');
}

function holdingsText(title: SimulatedTitle): readonly string[] {
  if (title.holdings.length === 0) return [];
  const table = new Table({ head: ['from', 'until', 'who', 'with', 'lost'], style: { head: [], border: [] } });
  for (const one of title.holdings.slice(-MOST_HOLDINGS)) {
    const value = one.value === null ? '' : valueText(one.value, one.unit);
    table.push([minute(one.from), one.until === null ? '' : minute(one.until), who(one), value, one.lost ?? '']);
  }
  const more = title.holdings.length - MOST_HOLDINGS;
  return [
    ...(more > 0 ? [`the last ${MOST_HOLDINGS} of ${title.holdings.length}; all with --json or --csv`] : []),
    table.toString(),
  ];
}

/** How many people would have had each tier: who, there may be thousands of. */
function tiersText({ tiers }: SimulatedTitle): readonly string[] {
  if (tiers.length === 0) return [];
  const table = new Table({
    head: ['tier', 'reached', 'lost', 'most people', 'at the end'],
    style: { head: [], border: [] },
  });
  for (const one of tiers) table.push([one.tier, one.reached, one.lost, one.most_people, one.people_at_end]);
  return [table.toString()];
}

function leftOutText({ person_days: days, people, tokens, by_signal: bySignal }: LeftOut): string {
  if (days === 0) return 'fair play leaves nothing out';
  const signals = Object.entries(bySignal).map(([signal, own]) => `${signal} ${own.toLocaleString('en')}`);
  return `fair play leaves out ${plural(days, 'day')} of ${plural(people, 'person', 'people')} with ${BigInt(tokens).toLocaleString('en')} tokens (${signals.join(', ')})`;
}

/** A row for each time that somebody would have held a title. */
export const simulatedCsv = ({ titles }: Simulation): string =>
  stringify(
    titles.flatMap(({ title_id, scope, holdings }) => holdings.map((one) => ({ title_id, scope, ...one }))),
    {
      header: true,
      columns: ['title_id', 'scope', 'user_id', 'handle', 'name', 'from', 'until', 'awarded', 'lost', 'value', 'unit'],
      // What begins with one of = + - @ is a formula to a spreadsheet, and names are anybody's.
      escape_formulas: true,
    },
  );
