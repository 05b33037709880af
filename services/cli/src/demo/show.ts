import Table from 'cli-table3';
import { z } from 'zod';
import { valueText } from '@laurel/titles';
import { PROVENANCE } from './provenance.js';

/** What is read of the API's answers; the rest is left alone. */
const leaderboard = z.object({
  measures: z.string(),
  people: z.number(),
  entries: z.array(
    z.object({
      rank: z.number(),
      handle: z.string(),
      teams: z.array(z.string()),
      value: z.string(),
      events: z.string(),
      cache_read_tokens: z.string(),
      output_tokens: z.string(),
    }),
  ),
});

const evidence = z.record(z.string(), z.union([z.string(), z.number()]));

const titles = z.object({
  titles: z.array(
    z.object({
      name: z.string(),
      unit: z.string(),
      holders: z.array(z.object({ handle: z.string(), value: z.number(), held_since: z.string(), evidence })),
    }),
  ),
});

const TOP = 10;
const EVIDENCE_COLUMNS = 60;

async function get<T>(url: string, schema: z.ZodType<T>): Promise<T> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return schema.parse(await answer.json());
}

const grouped = (digits: string): string => BigInt(digits).toLocaleString('en');

/** As lines of a table's width; counts of 0 are left out. */
function evidenceText(entries: z.infer<typeof evidence>): string {
  const lines: string[] = [];
  for (const [name, value] of Object.entries(entries)) {
    if (value === '0') continue;
    const text = `${name.replaceAll('_', ' ')} ${readable(name, value)}`;
    const last = lines.at(-1);
    if (last !== undefined && last.length + text.length + 2 <= EVIDENCE_COLUMNS)
      lines[lines.length - 1] = `${last}, ${text}`;
    else lines.push(text);
  }
  return lines.join('\n');
}

function readable(name: string, value: string | number): string {
  // Shares, but for a median of whole numbers.
  if (typeof value === 'number') return value > 1 ? grouped(value.toFixed(0)) : percent(value);
  if (name === 'shares') {
    const shares = Object.entries(z.record(z.string(), z.number()).parse(JSON.parse(value)));
    return shares.map(([family, share]) => `\n  ${family} ${percent(share)}`).join('');
  }
  if (name.startsWith('run_')) return new Date(Number(value)).toISOString().slice(0, 16).replace('T', ' ');
  return /^\d+$/.test(value) ? grouped(value) : value;
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** Prints the top of the board, and who holds which title why. */
export async function showBoard(api: string): Promise<void> {
  const [board, held] = await Promise.all([
    get(`${api}/v1/leaderboards/total_tokens?limit=${TOP}`, leaderboard),
    get(`${api}/v1/titles`, titles),
  ]);
  const top = new Table({
    head: ['#', 'who', 'team', 'tokens', 'cache reads', 'output', 'events'],
    colAligns: ['right', 'left', 'left', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const { rank, handle, teams, value, events, cache_read_tokens, output_tokens } of board.entries) {
    top.push([
      rank,
      handle,
      teams.join(', '),
      grouped(value),
      grouped(cache_read_tokens),
      grouped(output_tokens),
      grouped(events),
    ]);
  }
  const holders = new Table({
    head: ['title', 'holder', 'value', 'evidence'],
    style: { head: [], border: [] },
  });
  for (const { name, unit, holders: people } of held.titles) {
    for (const person of people)
      holders.push([name, person.handle, valueText(person.value, unit), evidenceText(person.evidence)]);
    if (people.length === 0) holders.push([name, '–', '', 'nobody is eligible yet']);
  }
  console.log(
    `\nTop ${board.entries.length} of ${board.people} people by total tokens, last 30 days\n${top.toString()}`,
  );
  console.log(`\nTitles\n${holders.toString()}\n\n${board.measures}\n${PROVENANCE}`);
}
