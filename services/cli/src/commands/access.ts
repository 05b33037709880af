import { Command } from 'commander';
import Table from 'cli-table3';
import { readAccesses } from '@laurel/clickhouse';
import { withClickHouse } from '../environment.js';
import { harmless } from '../terminal.js';

interface Flags {
  readonly user?: string;
  readonly reader?: string;
  readonly limit: string;
  readonly json?: boolean;
}

export function accessCommand(): Command {
  return new Command('access')
    .description('who looked at whose figures, or took a table of them; the newest first')
    .option('--user <user>', 'only at this person’s (a pseudonym)')
    .option('--reader <reader>', 'only by this one: a pseudonym, or token:<id>')
    .option('--limit <count>', 'how many at most', '50')
    .option('--json', 'print the result as JSON')
    .action(access);
}

async function access({ user, reader, limit, json }: Flags): Promise<void> {
  if (!/^[1-9]\d{0,5}$/.test(limit)) throw new Error('--limit is 1 to 999999');
  const found = await withClickHouse('laurel-access', (clickhouse) =>
    readAccesses(clickhouse, { userId: user, reader, limit: Number(limit) }),
  );
  if (json === true) {
    console.log(
      JSON.stringify(
        found.map(({ atMs, ...one }) => ({ at: new Date(atMs).toISOString(), ...one })),
        undefined,
        2,
      ),
    );
    return;
  }
  const table = new Table({ head: ['when (UTC)', 'who', 'did', 'whose', 'which'], style: { head: [], border: [] } });
  for (const { atMs, reader: who, action, userId, operation, parameters } of found) {
    table.push([
      new Date(atMs).toISOString().slice(0, 19).replace('T', ' '),
      harmless(who),
      action,
      userId === '' ? '(a table)' : harmless(userId),
      harmless(parameters === '' ? operation : `${operation}?${parameters}`),
    ]);
  }
  console.log(found.length === 0 ? 'Nobody is known to have.' : table.toString());
}
