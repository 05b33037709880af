#!/usr/bin/env node
import { Command } from 'commander';
import { accessCommand } from './commands/access.js';
import { auditCommand } from './commands/audit.js';
import { awardsCommand } from './commands/awards.js';
import { deadLettersCommand } from './commands/dead-letters.js';
import { demoCommand } from './commands/demo.js';
import { fairPlayCommand } from './commands/fair-play.js';
import { forgetCommand } from './commands/forget.js';
import { migrateCommand } from './commands/migrate.js';
import { peopleCommand } from './commands/people.js';
import { pricesCommand } from './commands/prices.js';
import { rebuildCommand } from './commands/rebuild.js';
import { titlesCommand } from './commands/titles.js';
import { tokensCommand } from './commands/tokens.js';
import { topicsCommand } from './commands/topics.js';
import { EnvironmentFault } from './environment.js';

const program = new Command('laurel')
  .description('Operates Laurel. Connections are read from the environment: docs/reference/configuration.md.')
  .addCommand(topicsCommand())
  .addCommand(migrateCommand())
  .addCommand(auditCommand())
  .addCommand(rebuildCommand())
  .addCommand(peopleCommand())
  .addCommand(forgetCommand())
  .addCommand(tokensCommand())
  .addCommand(accessCommand())
  .addCommand(deadLettersCommand())
  .addCommand(titlesCommand())
  .addCommand(fairPlayCommand())
  .addCommand(awardsCommand())
  .addCommand(pricesCommand())
  .addCommand(demoCommand())
  .showHelpAfterError();

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof EnvironmentFault ? 78 : 1; // 78: EX_CONFIG of sysexits.h
}
// A channel to the process that started this one, which a listener keeps open, would keep this one alive.
if (process.connected) process.disconnect();
