import {
  choiceVersions,
  Erasures,
  greatestChoiceVersion,
  versionOfRecord,
  versionOfRemoval,
  writeChoices,
  writePeopleDefault,
  type ChoiceRow,
  type ClickHouseClient,
} from '@laurel/clickhouse';
import { topics } from '@laurel/events';
import { haltReason, type Kafka, type TopicFollower } from '@laurel/kafka';
import { peopleFollower, type PeopleDefault, type ProfileRecord } from '@laurel/policy';
import { keepTrying, type RetryPolicy } from '@laurel/stream';

export interface PeopleChoicesEvents {
  /** A record that is not one; its person is hidden. */
  onUnreadable(record: ProfileRecord): void;
}

/**
 * Keeps the table `people_choices` equal to `people.profiles.v1`, and the company's default in it. Any number of instances may do so
 * at once: a row's version follows from its record's offset, so the order of writing never matters, and nothing is committed, as
 * each start reads the whole topic.
 */
export class PeopleChoices {
  private readonly stopped = new AbortController();
  private readonly erasures: Erasures;
  private readonly follower: TopicFollower;
  /** The newest record of each person that is not in the table yet. */
  private pending = new Map<string, ProfileRecord>();
  private isCaughtUp = false;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    kafka: Kafka,
    private readonly clickhouse: ClickHouseClient,
    private readonly topicPrefix: string,
    private readonly standard: PeopleDefault,
    private readonly policy: RetryPolicy,
    private readonly events: PeopleChoicesEvents,
    private readonly onFatal: (error: unknown) => void,
  ) {
    this.erasures = new Erasures(clickhouse);
    this.follower = peopleFollower(kafka, topicPrefix, (record) => this.take(record), policy, onFatal);
  }

  /**
   * Resolves when the table says what the topic says. To be waited for before anything is projected: then no figure
   * is ever readable before its person's choice is, not even after the tables were lost.
   *
   * @throws Halt `log_end_below_recorded` when the table rests on records that the topic does not have.
   */
  async start(): Promise<void> {
    const { signal } = this.stopped;
    await this.trying(() => writePeopleDefault(this.clickhouse, this.standard, Date.now()));
    // Before the topic's end is asked for, so that another instance's rows of records after that end are not taken for wrong.
    const written = await this.trying(() => greatestChoiceVersion(this.clickhouse));
    const end = await this.follower.start();
    if (signal.aborted) return;
    const place = `${this.topicPrefix}${topics.peopleProfiles.name}/0`;
    const recorded = written < 0 ? undefined : Math.floor(written / 2) + 1;
    // It reads from the beginning, whatever is there, so that only the end matters.
    const halt = haltReason(place, { low: 0, high: end, committed: end }, recorded);
    if (halt !== undefined) throw halt;
    const folded = this.pending;
    this.pending = new Map();
    await this.trying(() => this.equalize(folded, end));
    this.isCaughtUp = true;
    this.flush();
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    await this.follower.stop();
    await this.writing;
  }

  private take(record: ProfileRecord): void {
    if (!record.isReadable) this.events.onUnreadable(record);
    this.pending.set(record.userId, record);
    if (this.isCaughtUp) this.flush();
  }

  /** One write after the other; what comes meanwhile is in the next. */
  private flush(): void {
    this.writing = this.writing
      .then(async () => {
        const records = [...this.pending.values()];
        this.pending = new Map();
        if (records.length > 0) await this.trying(() => this.write(records.map(rowOf)));
      })
      .catch((error: unknown) => {
        if (!this.stopped.signal.aborted) this.onFatal(error);
      });
  }

  /** Writes what differs. A row that no record stands for any more was taken back, and the topic has been compacted since. */
  private async equalize(folded: ReadonlyMap<string, ProfileRecord>, end: number): Promise<void> {
    const versions = await choiceVersions(this.clickhouse);
    const rows: ChoiceRow[] = [];
    for (const record of folded.values()) {
      const row = rowOf(record);
      const version = versions.get(record.userId);
      if (version === undefined ? row.choice !== null : version < row.version) rows.push(row);
    }
    for (const [userId, version] of versions) {
      if (!folded.has(userId) && version < versionOfRecord(end)) {
        rows.push({ userId, choice: null, version: versionOfRemoval(version) });
      }
    }
    await this.write(rows);
  }

  /** But for erased people: their rows are deleted, and are not to come back. */
  private async write(rows: readonly ChoiceRow[]): Promise<void> {
    if (rows.length === 0) return;
    await this.erasures.refresh();
    await writeChoices(
      this.clickhouse,
      rows.filter(({ userId }) => !this.erasures.has(userId)),
    );
  }

  private trying<T>(attempt: () => Promise<T>): Promise<T> {
    return keepTrying('people', attempt, this.policy, this.stopped.signal);
  }
}

const rowOf = ({ userId, profile, offset }: ProfileRecord): ChoiceRow => ({
  userId,
  choice: profile,
  version: versionOfRecord(offset),
});
