import { setTimeout as sleep } from 'node:timers/promises';
import { everybody, type ClickHouseClient } from '@laurel/clickhouse';
import type { PersonProfile } from '@laurel/events';
import {
  changeProfile,
  ProfileNotWritten,
  resetProfile,
  type ChangedProfile,
  type PeopleDefault,
  type PeopleDirectory,
  type PeopleTopic,
  type ProfileChange,
} from '@laurel/policy';
import { passingProblem } from '../http/problem.js';

/** How long to wait until the answers here show what was written, in ms; it takes some hundredths of a second. */
const EFFECT_TIMEOUT_MS = 5000;

/** Writes what people choose, one after the other, as writers shut each other out. */
export class ChoiceWriter {
  private last: Promise<unknown> = Promise.resolve();

  /** @param people where it is seen that a choice is in effect here. */
  constructor(
    private readonly topic: PeopleTopic,
    private readonly clickhouse: ClickHouseClient,
    private readonly people: PeopleDirectory,
    readonly standard: PeopleDefault,
  ) {}

  /** Resolves when it holds in every answer that is begun here from now on. @throws Problem `choice_not_written`. */
  change(userId: string, change: ProfileChange, changedBy: PersonProfile['changed_by']): Promise<ChangedProfile> {
    return this.inTurn(async () => {
      const changed = await changeProfile(this.topic, userId, change, {
        standard: this.standard,
        pseudonyms: () => everybody(this.clickhouse),
        changedBy,
        nowMs: Date.now(),
      });
      if (changed.ok)
        await this.untilSeen(() => this.people.profileOf(userId)?.changed_at === changed.profile.changed_at);
      return changed;
    });
  }

  /** Back to the company's default; likewise. */
  reset(userId: string): Promise<void> {
    return this.inTurn(async () => {
      await resetProfile(this.topic, userId);
      await this.untilSeen(() => this.people.profileOf(userId) === undefined);
    });
  }

  private inTurn<T>(write: () => Promise<T>): Promise<T> {
    const turn = this.last.then(write, write).catch((error: unknown) => {
      if (!(error instanceof ProfileNotWritten)) throw error;
      throw passingProblem('choice_not_written', 'Whether it was written is not known; choose again.', error);
    });
    this.last = turn;
    return turn;
  }

  private async untilSeen(isSeen: () => boolean): Promise<void> {
    const deadline = Date.now() + EFFECT_TIMEOUT_MS;
    while (!isSeen() && Date.now() < deadline) await sleep(10);
  }
}
