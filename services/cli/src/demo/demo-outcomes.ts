import type { OutcomeKind, OutcomeRecorded, UsageRecorded } from '@laurel/events';
import { castOf } from './cast.js';
import { draw, pick } from './draw.js';
import { DAY_MS, type DemoOptions } from './demo-events.js';
import { INVENTED_ATTRIBUTES, OUTCOME_SOURCE } from './provenance.js';

const RECENT_DAYS = 14;

/** In ten thousandths for each point of craft and hundredth of what came of it; see docs/reference/demo-data.md. */
const KINDS: readonly { readonly kind: OutcomeKind; readonly label: string; readonly share: number }[] = [
  { kind: 'edit_accepted', label: 'edits', share: 12 },
  { kind: 'commit', label: 'commit', share: 10 },
  { kind: 'pull_request_merged', label: 'pull-request', share: 3 },
];
/** Weights of 1, 2, … edits that are accepted together. */
const EDITS = [8, 6, 4, 3, 2, 1];

/**
 * What came of the sessions of the demo's events: invented altogether, as the recording knows nothing of it.
 *
 * @param events as `demoEvents` makes them with the same seed and anchor.
 */
export function demoOutcomes(events: readonly UsageRecorded[], { seed, anchorMs }: DemoOptions): OutcomeRecorded[] {
  const people = new Map(castOf(seed).users.map((user) => [user.user_id, user]));
  const lastDay = Math.floor(anchorMs / DAY_MS);
  return [...lastOfSessions(events)].flatMap(([session_id, { user_id, team, occurred_at }], session) => {
    const { craft, learned } = people.get(user_id) ?? { craft: 0, learned: 0 };
    const isRecent = Math.floor(occurred_at / DAY_MS) > lastDay - RECENT_DAYS;
    const yielding = craft * (isRecent ? 100 : 100 - learned);
    return KINDS.filter(
      ({ label, share }) => draw(`${seed}/session-${label}/${session}`) * 10_000 < share * yielding,
    ).map(({ kind, label }): OutcomeRecorded => ({
      event_id: `${session_id}-${label}`,
      source: OUTCOME_SOURCE,
      revision: 0,
      retracted: false,
      occurred_at,
      user_id,
      team,
      session_id,
      kind,
      quantity: kind === 'edit_accepted' ? 1 + pick(`${seed}/session-edits-accepted/${session}`, EDITS) : 1,
      attributes: INVENTED_ATTRIBUTES,
    }));
  });
}

/** In the order of the sessions' numbers; of each the last request. */
function lastOfSessions(events: readonly UsageRecorded[]): ReadonlyMap<string, UsageRecorded> {
  const last = new Map<string, UsageRecorded>();
  for (const event of events) {
    const { session_id } = event;
    if (session_id !== null && event.occurred_at >= (last.get(session_id)?.occurred_at ?? 0))
      last.set(session_id, event);
  }
  return last;
}
