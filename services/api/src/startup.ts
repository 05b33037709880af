import { passingProblem } from './http/problem.js';

/** What the API has to have before it can answer: it serves from the first moment, so that its health can be asked for. */
export class Startup {
  private migrated = false;
  private titlesRead = false;
  private peopleRead = false;
  private firstRead = false;

  get isMigrated(): boolean {
    return this.migrated;
  }

  get hasTitles(): boolean {
    return this.titlesRead;
  }

  get hasPeople(): boolean {
    return this.peopleRead;
  }

  /** Whether what nearly everybody asks for is in memory, or could not be read once. */
  get hasFigures(): boolean {
    return this.firstRead;
  }

  onMigrated(): void {
    this.migrated = true;
  }

  onTitlesRead(): void {
    this.titlesRead = true;
  }

  onPeopleRead(): void {
    this.peopleRead = true;
  }

  onFiguresRead(): void {
    this.firstRead = true;
  }

  /** @throws Problem `starting` until the tables were seen. */
  requireDatabase(): void {
    if (!this.migrated) throw passingProblem('starting', 'ClickHouse was not reached yet; try again shortly.');
  }

  /**
   * @throws Problem `starting` until every award there was at the start is read, and the rules: before, holders would be wrong.
   */
  requireTitles(): void {
    if (!this.titlesRead) throw passingProblem('starting', 'The awards are still being read; try again shortly.');
  }

  /** @throws Problem `starting` until every choice there was at the start is read: before, somebody hidden would be shown. */
  requirePeople(): void {
    if (!this.peopleRead) throw passingProblem('starting', 'People’s choices are still being read; try again shortly.');
  }
}
