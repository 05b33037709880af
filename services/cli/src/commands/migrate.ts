import { Command } from 'commander';
import { applyMigrations, readMigrations } from '@laurel/clickhouse';
import { clickHouseConnection, clickHouseSettings } from '@laurel/service-host/settings';
import { fromEnvironment } from '../environment.js';

export function migrateCommand(): Command {
  return new Command('migrate').description('ClickHouse tables and views').addCommand(
    new Command('apply')
      .description('apply the migrations that are missing, in order; safe to run twice or at once')
      .action(async () => {
        const connection = clickHouseConnection(fromEnvironment(clickHouseSettings), 'laurel-cli');
        const applied = await applyMigrations(connection, await readMigrations());
        for (const { name } of applied) console.log(`applied  ${name}`);
        if (applied.length === 0) console.log(`database ${connection.database} is up to date`);
      }),
  );
}
