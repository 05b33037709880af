import { personProfile, type PersonProfile } from '@laurel/events';
import type { StreamRecord } from '@laurel/stream';

/** What a record of `people.profiles.v1` says. */
export interface ProfileRecord {
  readonly offset: number;
  readonly userId: string;
  /** null: no choice. */
  readonly profile: PersonProfile | null;
  /** False when the record could not be read; its person is hidden then, as that may be what it says. */
  readonly isReadable: boolean;
}

/** Never throws: nobody may stop the showing of people by a record, or be shown by one that says otherwise. */
export function readProfileRecord({ offset, key, value, timestampMs }: StreamRecord): ProfileRecord {
  const userId = Buffer.from(key ?? []).toString();
  if (value === null) return { offset, userId, profile: null, isReadable: true };
  const profile = decoded(value);
  if (profile?.user_id === userId) return { offset, userId, profile, isReadable: true };
  return { offset, userId, profile: hiddenProfile(userId, timestampMs), isReadable: false };
}

function decoded(value: Uint8Array): PersonProfile | undefined {
  try {
    return personProfile.decode(value);
  } catch {
    // Not ours, or a later version's: only the one answer follows from either.
    return undefined;
  }
}

const hiddenProfile = (userId: string, changedAtMs: number): PersonProfile => ({
  user_id: userId,
  visibility: 'hidden',
  display_name: null,
  handle: null,
  figures: 'bands',
  changed_at: changedAtMs,
  changed_by: 'admin',
});
