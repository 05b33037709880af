import type { AwardEvent } from '@laurel/events';
import { PeopleDirectory } from '@laurel/policy';
import { builtInRules, type LoggedAward } from '@laurel/titles';
import type { AwardView } from '../award-view.js';

/** Everybody by handle and exactly, titles by the names that Laurel's own have. */
export const viewOf = (people = new PeopleDirectory({ visibility: 'handle', figures: 'exact' })): AwardView => ({
  people,
  titleName: (id) => builtInRules.find((rule) => rule.id === id)?.name ?? id,
});

/** An award of Token Legend; what is not said is filled in. */
export const logged = (offset: number, fields: Partial<AwardEvent> = {}): LoggedAward => ({
  offset,
  award: {
    award_id: `award-${offset}`,
    ordinal: offset,
    type: 'title_awarded',
    title_id: 'token_legend',
    rule_version: 1,
    scope: 'company',
    user_id: 'u-1',
    rank: 1,
    tier: null,
    remaining_tier: null,
    value: 1_234_567,
    unit: 'tokens',
    runner_up: null,
    window_start: Date.parse('2026-04-15T00:00:00Z'),
    window_end: Date.parse('2026-05-15T00:00:00Z'),
    evaluated_at: Date.parse('2026-05-14T10:00:00Z'),
    previous_holder: null,
    revokes: null,
    reason: 'vacant',
    evidence: {},
    ...fields,
  },
});

/** 24 bytes each, the least that there may be. */
export const secret = (letter: string): string => `whsec_${Buffer.alloc(24, letter).toString('base64')}`;
