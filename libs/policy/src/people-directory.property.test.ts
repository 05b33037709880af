import fc from 'fast-check';
import { personProfile, type PersonProfile } from '@laurel/events';
import { generatedHandle } from '@laurel/titles';
import { lookOf } from './handle.js';
import { PeopleDirectory, type PeopleDefault } from './people-directory.js';
import { readProfileRecord } from './profile-record.js';

const PEOPLE = ['u-1', 'u-2', 'u-3', 'u-4'];
const standards = fc.record<PeopleDefault>({
  visibility: fc.constantFrom('handle', 'hidden'),
  figures: fc.constantFrom('exact', 'rounded', 'bands'),
});
const choices = fc.record({
  visibility: fc.constantFrom('name', 'handle', 'hidden'),
  display_name: fc.constantFrom(null, 'Ada', 'Bo', '', 'a\u202eb'),
  handle: fc.constantFrom(null, 'crow', 'cr0w', 'C-r-o-w', 'raven', 'calm-otter-482913', 'ab', 'сrow'),
  figures: fc.constantFrom('exact', 'rounded', 'bands'),
  changed_at: fc.nat(3),
  changed_by: fc.constantFrom('self', 'admin'),
});
/** Changes in the order of the log. */
const logs = fc
  .array(fc.record({ user: fc.constantFrom(...PEOPLE), choice: fc.option(choices) }), { maxLength: 20 })
  .map((changes) =>
    changes.map(({ user, choice }, offset) => ({
      offset,
      user,
      profile: choice === null ? null : { user_id: user, ...choice },
    })),
  );
type Change = { readonly offset: number; readonly user: string; readonly profile: PersonProfile | null };

function directoryOf(standard: PeopleDefault, changes: readonly Change[]): PeopleDirectory {
  const directory = new PeopleDirectory(standard);
  for (const { offset, user, profile } of changes) directory.apply(offset, user, profile);
  return directory;
}
/** The log after compaction: each person's last record. */
const compacted = (changes: readonly Change[]): readonly Change[] =>
  changes.filter(({ user, offset }) => !changes.some((other) => other.user === user && other.offset > offset));
const everybody = (directory: PeopleDirectory) => PEOPLE.map((user) => directory.shownAs(user));

describe('the directory of people', () => {
  it('shows everybody alike, in whatever order the records come, repeated or compacted', () => {
    fc.assert(
      fc.property(standards, logs, fc.infiniteStream(fc.nat()), (standard, changes, random) => {
        const expected = directoryOf(standard, changes);
        const shuffled = [...changes, ...changes.slice(0, 3)]
          .map((change) => ({ change, at: random.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ change }) => change);
        for (const other of [shuffled, compacted(changes)]) {
          const directory = directoryOf(standard, other);
          expect(everybody(directory)).toEqual(everybody(expected));
          expect(directory.guardsAnybody).toBe(expected.guardsAnybody);
        }
      }),
    );
  });

  it('never shows a person whose last word was hidden, nor one who said nothing where the company hides', () => {
    fc.assert(
      fc.property(standards, logs, (standard, changes) => {
        const directory = directoryOf(standard, changes);
        for (const user of PEOPLE) {
          const last = changes.findLast((change) => change.user === user)?.profile ?? null;
          const isHidden = (last ?? standard).visibility === 'hidden';
          expect(directory.isHidden(user)).toBe(isHidden);
          const shown = directory.shownAs(user);
          if (isHidden) expect(shown).toEqual({ kind: 'hidden' });
          else expect(shown).toMatchObject({ kind: 'shown', figures: (last ?? standard).figures });
        }
      }),
    );
  });

  it('has another revision whenever anybody is shown otherwise, and the same one when a record comes again', () => {
    fc.assert(
      fc.property(standards, logs, (standard, changes) => {
        const directory = new PeopleDirectory(standard);
        for (const { offset, user, profile } of changes) {
          const [before, revision] = [everybody(directory), directory.revision];
          directory.apply(offset, user, profile);
          if (directory.revision === revision) expect(everybody(directory)).toEqual(before);
          const applied = directory.revision;
          directory.apply(offset, user, profile);
          expect(directory.revision).toBe(applied);
        }
      }),
    );
  });

  it('names nobody who did not choose it, and gives no handle to two, nor one that looks like another’s', () => {
    fc.assert(
      fc.property(standards, logs, (standard, changes) => {
        const directory = directoryOf(standard, changes);
        const looks: string[] = [];
        for (const user of PEOPLE) {
          const shown = directory.shownAs(user);
          if (shown.kind === 'hidden') continue;
          const profile = directory.profileOf(user);
          if (profile?.visibility !== 'name') expect(shown.name).toBeNull();
          expect([null, 'Ada', 'Bo']).toContain(shown.name);
          looks.push(lookOf(shown.handle));
        }
        expect(new Set(looks).size).toBe(looks.length);
      }),
    );
  });

  it('leaves a handle with the one who changed it first, and gives it to the other when it is free', () => {
    const profile = (user_id: string, changed_at: number, handle: string | null): PersonProfile => ({
      user_id,
      visibility: 'handle',
      display_name: null,
      handle,
      figures: 'exact',
      changed_at,
      changed_by: 'self',
    });
    const directory = new PeopleDirectory({ visibility: 'handle', figures: 'exact' });
    directory.apply(1, 'u-b', profile('u-b', 20, 'cr0w'));
    directory.apply(2, 'u-a', profile('u-a', 10, 'crow'));
    expect(['u-a', 'u-b'].map((user) => directory.shownAs(user))).toMatchObject([
      { handle: 'crow' },
      { handle: generatedHandle('u-b') },
    ]);
    expect([directory.isTaken('CROW', 'u-a'), directory.isTaken('CROW', 'u-c')]).toEqual([true, true]);
    directory.apply(3, 'u-a', null);
    expect(directory.shownAs('u-b')).toMatchObject({ handle: 'cr0w' });
    expect(directory.isTaken('crow', 'u-b')).toBe(false);
    expect(directory.isTaken('u.b', 'u-a')).toBe(true);
  });
});

describe('a record of people.profiles.v1', () => {
  const profile: PersonProfile = {
    user_id: 'u-1',
    visibility: 'name',
    display_name: 'Ada',
    handle: 'crow',
    figures: 'exact',
    changed_at: 1,
    changed_by: 'self',
  };
  const record = (key: string, value: Uint8Array | null) => ({
    offset: 7,
    key: Buffer.from(key),
    value,
    timestampMs: 5,
    headers: {},
  });

  it('says what was written, and a tombstone that there is no choice', () => {
    expect(readProfileRecord(record('u-1', personProfile.encode(profile)))).toEqual({
      offset: 7,
      userId: 'u-1',
      profile,
      isReadable: true,
    });
    expect(readProfileRecord(record('u-1', null))).toMatchObject({ profile: null, isReadable: true });
  });

  it.each([
    ['is garbage', 'u-1', Buffer.from('{}')],
    ['is empty', 'u-1', Buffer.alloc(0)],
    ['is another person’s', 'u-2', personProfile.encode(profile)],
    [
      'has a later version’s fingerprint',
      'u-1',
      Buffer.concat([Buffer.from('c3010102030405060708', 'hex'), Buffer.alloc(9)]),
    ],
  ])('hides its person when it %s', (_, key, value) => {
    const read = readProfileRecord(record(key, value));
    expect(read).toMatchObject({ userId: key, isReadable: false, profile: { user_id: key, visibility: 'hidden' } });
  });
});
