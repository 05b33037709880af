import type { PersonFigures, PersonProfile } from '@laurel/events';
import { generatedHandle } from '@laurel/titles';
import { checkDisplayName } from './display-name.js';
import { checkHandle, lookOf } from './handle.js';

/** How a company shows those who made no choice. Not by name: a name is only shown when somebody gave it. */
export interface PeopleDefault {
  readonly visibility: 'handle' | 'hidden';
  readonly figures: PersonFigures;
}

/** How a person is to be shown. */
export type Shown =
  | { readonly kind: 'hidden' }
  | {
      readonly kind: 'shown';
      /** Chosen, or generated from the pseudonym. */
      readonly handle: string;
      /** Beside the handle; null unless the person chose to be shown by name. */
      readonly name: string | null;
      readonly figures: PersonFigures;
    };

interface Known {
  readonly offset: number;
  readonly profile: PersonProfile | null;
}

/**
 * The fold of `people.profiles.v1`: who chose what, and how everybody is shown. Of one person's records the one with the greatest
 * offset counts, whatever the order in which they come.
 *
 * A chosen handle is one person's. The writer of the topic sees to that (`changeProfile`); should two profiles have handles
 * that look alike all the same, the one that was changed earlier has it, of equals the smaller pseudonym, and the other is shown
 * by the generated one.
 */
export class PeopleDirectory {
  private readonly people = new Map<string, Known>();
  /** Who has a handle of this look. */
  private readonly byLook = new Map<string, Set<string>>();
  private guardedProfiles = 0;
  private taken = 0;

  constructor(private readonly standard: PeopleDefault) {}

  /** @param profile null for a tombstone: no choice. */
  apply(offset: number, userId: string, profile: PersonProfile | null): void {
    const before = this.people.get(userId);
    if (before !== undefined && before.offset >= offset) return;
    this.taken += 1;
    this.forget(userId, before?.profile ?? null);
    this.people.set(userId, { offset, profile });
    if (profile === null) return;
    if (isGuarded(profile)) this.guardedProfiles += 1;
    const look = lookOfHandle(profile);
    if (look === undefined) return;
    this.byLook.set(look, (this.byLook.get(look) ?? new Set()).add(userId));
  }

  /** Another one whenever anybody may be shown otherwise than before. */
  get revision(): number {
    return this.taken;
  }

  /** The person's own choice; undefined when they made none. */
  profileOf(userId: string): PersonProfile | undefined {
    return this.people.get(userId)?.profile ?? undefined;
  }

  shownAs(userId: string): Shown {
    const profile = this.profileOf(userId);
    const { visibility, figures } = profile ?? this.standard;
    if (visibility === 'hidden') return { kind: 'hidden' };
    const name = visibility === 'name' ? checkDisplayName(profile?.display_name ?? '') : undefined;
    return {
      kind: 'shown',
      handle: this.chosenHandle(userId) ?? generatedHandle(userId),
      name: name?.ok === true ? name.name : null,
      figures,
    };
  }

  isHidden(userId: string): boolean {
    return (this.profileOf(userId) ?? this.standard).visibility === 'hidden';
  }

  /** Whether there is anybody, known or not, who is hidden or not shown exactly. */
  get guardsAnybody(): boolean {
    return isGuarded(this.standard) || this.guardedProfiles > 0;
  }

  /** True when the handle looks like another person's chosen one, or like the pseudonym of somebody who made a choice. */
  isTaken(handle: string, byOtherThan: string): boolean {
    const look = lookOf(handle);
    const owners = [...(this.byLook.get(look) ?? [])];
    if (owners.some((userId) => userId !== byOtherThan)) return true;
    for (const [userId, { profile }] of this.people) {
      if (userId !== byOtherThan && profile !== null && lookOf(userId) === look) return true;
    }
    return false;
  }

  private chosenHandle(userId: string): string | undefined {
    const profile = this.profileOf(userId);
    const checked = checkHandle(profile?.handle ?? '');
    if (profile === undefined || !checked.ok) return undefined;
    for (const other of this.byLook.get(lookOf(checked.handle)) ?? []) {
      const theirs = this.profileOf(other);
      if (other !== userId && theirs !== undefined && isBefore(theirs, profile)) return undefined;
    }
    return checked.handle;
  }

  private forget(userId: string, profile: PersonProfile | null): void {
    if (profile === null) return;
    if (isGuarded(profile)) this.guardedProfiles -= 1;
    const look = lookOfHandle(profile);
    if (look !== undefined) this.byLook.get(look)?.delete(userId);
  }
}

/** Hidden, or not shown exactly: what is published of a group is not to give this person's figure away. */
export const isGuarded = ({ visibility, figures }: Pick<PersonProfile, 'visibility' | 'figures'>): boolean =>
  visibility === 'hidden' || figures !== 'exact';

function lookOfHandle({ handle }: PersonProfile): string | undefined {
  const checked = checkHandle(handle ?? '');
  return checked.ok ? lookOf(checked.handle) : undefined;
}

const isBefore = (a: PersonProfile, b: PersonProfile): boolean =>
  a.changed_at < b.changed_at || (a.changed_at === b.changed_at && a.user_id < b.user_id);
