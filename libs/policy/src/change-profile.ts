import { personProfile, topics, usageLimits, type PersonProfile } from '@laurel/events';
import { classifyKafkaFailure, FencedWriter, isFenced, readToEnd, type Kafka } from '@laurel/kafka';
import { keepTrying } from '@laurel/stream';
import { checkDisplayName, MAX_DISPLAY_NAME, type DisplayNameFault } from './display-name.js';
import { checkHandle, lookOf, MAX_HANDLE, MIN_HANDLE, type HandleFault } from './handle.js';
import { PeopleDirectory, type PeopleDefault } from './people-directory.js';
import { readProfileRecord } from './profile-record.js';

/** What somebody wants to be otherwise; what is absent stays as it is. `null` takes a name or handle away. */
export type ProfileChange = Partial<Pick<PersonProfile, 'visibility' | 'display_name' | 'handle' | 'figures'>>;

export type ProfileFault = HandleFault | DisplayNameFault | 'handle_taken' | 'name_missing' | 'invalid_user_id';

/** What is wrong, in words for whoever chose. */
export const profileFaultTexts: Readonly<Record<ProfileFault, string>> = {
  handle_length: `a handle has ${MIN_HANDLE} to ${MAX_HANDLE} characters`,
  handle_characters: 'a handle has letters a to z and digits, begins with a letter, and has one of - _ . between words',
  handle_reserved: 'a handle does not end like a generated one: in six digits, or letters that look like digits',
  handle_taken: 'this handle is another person’s, or looks like theirs or like a pseudonym',
  name_missing: 'who is shown by name needs one',
  name_length: `a name has 1 to ${MAX_DISPLAY_NAME} characters`,
  name_characters: 'a name has a letter, and no control characters or signs that turn the line around',
  invalid_user_id: 'a pseudonym has 1 to 256 bytes',
};

export type ChangedProfile =
  /** `isWritten` false: it was so already. */
  | { readonly ok: true; readonly profile: PersonProfile; readonly isWritten: boolean }
  | { readonly ok: false; readonly code: ProfileFault };

/** Where the choices are. */
export interface PeopleTopic {
  readonly kafka: Kafka;
  readonly topicPrefix: string;
}

export interface ProfileContext {
  /** What holds for what was never chosen. */
  readonly standard: PeopleDefault;
  /** Pseudonyms of whoever has usage: no handle is to look like one of another person's. */
  readonly pseudonyms: () => Promise<Iterable<string>>;
  readonly changedBy: PersonProfile['changed_by'];
  readonly nowMs: number;
}

/** One for all writers of one Laurel, so that a later one shuts out an earlier one. */
const TRANSACTIONAL_ID = 'laurel-people';

/** How long others may come between, or Kafka be away, in ms. */
const PATIENCE_MS = 60_000;

/** The change may have been written or not; it may be repeated. */
export class ProfileNotWritten extends Error {
  readonly code = 'profile_not_written';
  readonly retryable = true;

  constructor(cause: unknown) {
    super(`the choice was not written, or not known to be: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
    this.name = 'ProfileNotWritten';
  }
}

/**
 * Changes how a person is shown. One writer at a time: it claims the transactional id, which fences any other, *then* folds the whole
 * topic, then checks and writes. So two people can't take one handle at the same moment; who is first keeps it.
 *
 * @throws ProfileNotWritten when others came between, or Kafka was away, for a minute.
 */
export async function changeProfile(
  topic: PeopleTopic,
  userId: string,
  change: ProfileChange,
  { standard, pseudonyms, changedBy, nowMs }: ProfileContext,
): Promise<ChangedProfile> {
  const bytes = Buffer.byteLength(userId);
  if (bytes < 1 || bytes > usageLimits.maxIdBytes) return { ok: false, code: 'invalid_user_id' };
  return asOnlyWriter(topic, async (directory, write): Promise<ChangedProfile> => {
    const present = directory.profileOf(userId);
    const wanted = normalized({
      user_id: userId,
      ...(present ?? { ...standard, display_name: null, handle: null }),
      ...change,
      changed_at: nowMs,
      changed_by: changedBy,
    });
    if (!wanted.ok) return wanted;
    const { profile } = wanted;
    if (present !== undefined && isSameChoice(present, profile)) {
      return { ok: true, profile: present, isWritten: false };
    }
    const { handle } = profile;
    if (handle !== null && handle !== present?.handle) {
      const look = lookOf(handle);
      const looksLikeAPseudonym = async (): Promise<boolean> =>
        [...(await pseudonyms())].some((other) => other !== userId && lookOf(other) === look);
      if (directory.isTaken(handle, userId) || (await looksLikeAPseudonym()))
        return { ok: false, code: 'handle_taken' };
    }
    await write(userId, profile);
    return { ok: true, profile, isWritten: true };
  });
}

/**
 * Takes a person's choice back, by a tombstone; the company's default holds from then on.
 *
 * @returns whether there was one. Where there was none nothing is written, as a record would name the person.
 * @throws ProfileNotWritten as `changeProfile`.
 */
export async function resetProfile(topic: PeopleTopic, userId: string): Promise<boolean> {
  return asOnlyWriter(topic, async (directory, write) => {
    if (directory.profileOf(userId) === undefined) return false;
    await write(userId, null);
    return true;
  });
}

/** Everybody's choices, as the topic has them now. */
export async function readPeople(
  { kafka, topicPrefix }: PeopleTopic,
  standard: PeopleDefault,
): Promise<PeopleDirectory> {
  const directory = new PeopleDirectory(standard);
  await readToEnd(kafka, {
    topic: topicPrefix + topics.peopleProfiles.name,
    groupPrefix: `${topicPrefix}laurel-people-`,
    onRecord: (record) => {
      const { offset, userId, profile } = readProfileRecord(record);
      directory.apply(offset, userId, profile);
    },
  });
  return directory;
}

type Work<T> = (
  directory: PeopleDirectory,
  write: (userId: string, profile: PersonProfile | null) => Promise<void>,
) => Promise<T>;

/** Whatever a write that failed has left behind, the next attempt fences it, folds it and decides anew. */
async function asOnlyWriter<T>(topic: PeopleTopic, work: Work<T>): Promise<T> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  let last: unknown;
  const attempt = (): Promise<T> =>
    attemptAsOnlyWriter(topic, work).catch((error: unknown) => {
      last = error;
      throw error;
    });
  const classify = (error: unknown) =>
    error instanceof ProfileNotWritten || isFenced(error) ? 'retriable' : classifyKafkaFailure(error);
  try {
    return await keepTrying('people', attempt, { classify, maxDelayMs: 1000 }, patience);
  } catch (error) {
    if (!patience.aborted) throw error;
    throw last instanceof ProfileNotWritten ? last : new ProfileNotWritten(last ?? error);
  }
}

async function attemptAsOnlyWriter<T>(topic: PeopleTopic, work: Work<T>): Promise<T> {
  const writer = await FencedWriter.claim(topic.kafka, topic.topicPrefix + TRANSACTIONAL_ID, topic.topicPrefix);
  const write = async (userId: string, profile: PersonProfile | null): Promise<void> => {
    const value = profile === null ? null : personProfile.encode(profile);
    try {
      await writer.write({ [topics.peopleProfiles.name]: [{ key: userId, value }] });
    } catch (error) {
      // A commit that another claim came between may be answered with any error.
      throw new ProfileNotWritten(error);
    }
  };
  try {
    // Nothing here is shown, so that the default is of no account.
    return await work(await readPeople(topic, { visibility: 'hidden', figures: 'bands' }), write);
  } finally {
    // A writer that failed may fail at closing too; it has nothing left to lose.
    await writer.close().catch(() => undefined);
  }
}

type Normalized =
  { readonly ok: true; readonly profile: PersonProfile } | { readonly ok: false; readonly code: ProfileFault };

function normalized(profile: PersonProfile): Normalized {
  let { handle, display_name: name } = profile;
  if (handle !== null) {
    const checked = checkHandle(handle);
    if (!checked.ok) return checked;
    handle = checked.handle;
  }
  if (name !== null) {
    const checked = checkDisplayName(name);
    if (!checked.ok) return checked;
    name = checked.name;
  }
  if (profile.visibility === 'name' && name === null) return { ok: false, code: 'name_missing' };
  return { ok: true, profile: { ...profile, handle, display_name: name } };
}

const isSameChoice = (a: PersonProfile, b: PersonProfile): boolean =>
  a.visibility === b.visibility &&
  a.display_name === b.display_name &&
  a.handle === b.handle &&
  a.figures === b.figures;
