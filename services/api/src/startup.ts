import { passingProblem } from './http/problem.js';

/** What the API has to have before it can answer: it serves from the first moment, so that its health can be asked for. */
export class Startup {
  private migrated = false;
  private awardsRead = false;

  get isMigrated(): boolean {
    return this.migrated;
  }

  get hasAwards(): boolean {
    return this.awardsRead;
  }

  onMigrated(): void {
    this.migrated = true;
  }

  onAwardsRead(): void {
    this.awardsRead = true;
  }

  /** @throws Problem `starting` until the tables were seen. */
  requireDatabase(): void {
    if (!this.migrated) throw passingProblem('starting', 'ClickHouse was not reached yet; try again shortly.');
  }

  /** @throws Problem `starting` until every award there was at the start is read: before, holders would be wrong. */
  requireAwards(): void {
    if (!this.awardsRead) throw passingProblem('starting', 'The awards are still being read; try again shortly.');
  }
}
