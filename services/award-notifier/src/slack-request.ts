import type { AwardEvent } from '@laurel/events';
import { personJson, shownValue, type PeopleDirectory, type PersonJson } from '@laurel/policy';
import { isAboutTier, valueText } from '@laurel/titles';
import type { AwardView } from './award-view.js';
import type { EndpointRequest } from './webhook-request.js';

/** Why somebody lost something. */
const REASONS: Readonly<Record<AwardEvent['reason'], string>> = {
  vacant: 'the seat is free',
  overtook: 'somebody else is ahead',
  overtaken: 'somebody else is ahead',
  not_eligible: 'the title’s minimum is not met any more',
  corrected: 'figures were corrected',
  rule_changed: 'the title’s rule has changed',
  rule_removed: 'the title is no more',
  expired: 'the title’s last day is over',
  withheld: 'whoever held it left the board',
  above_threshold: 'the threshold is reached',
  below_threshold: 'the threshold is not met any more',
  other: 'see the award',
};

const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/**
 * Slack's escapes (api.slack.com, "Formatting text for app surfaces") leave nothing that could begin a link or a mention; for
 * those who read `@name` as a mention, as Mattermost does, a zero-width space stands behind each @.
 */
const harmless = (text: string): string =>
  text
    .replace(INVISIBLE, ' ')
    .replace(/[&<>]/g, (one) => ENTITIES[one] ?? '')
    .replaceAll('@', '@\u200b');

const figure = ({ value, unit }: AwardEvent, { figures }: PersonJson): string =>
  valueText(shownValue(figures, unit, value), unit);

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** The name or handle of a person, undefined for whoever is hidden. */
function shownName(people: PeopleDirectory, userId: string): string | undefined {
  const person = personJson(people, userId);
  return person?.name ?? person?.handle;
}

/** One sentence, without any pseudonym; of whoever is hidden it says that a title or tier has changed, and no more. */
export function awardText(award: AwardEvent, { people, titleName }: AwardView): string {
  const shown = award.user_id === '' ? undefined : personJson(people, award.user_id);
  const title = titleName(award.title_id) + (award.scope === 'company' ? '' : ` (${award.scope})`);
  if (shown === undefined) {
    return isAboutTier(award) ? `Somebody’s tier as ${title} has changed.` : `${title} has changed hands.`;
  }
  const person = shown.name ?? shown.handle;
  const figures = `${figure(award, shown)}, ${day(award.window_start)} to ${day(award.window_end - 1)} UTC`;
  const reason = REASONS[award.reason];
  const previous = award.previous_holder === null ? undefined : shownName(people, award.previous_holder);
  const after = previous === undefined ? '' : `, after ${previous}`;
  switch (award.type) {
    case 'title_awarded':
      return `${person} is now ${title}${after}: ${figures}.`;
    case 'title_revoked':
      return `${person} is no longer ${title}: ${reason}.`;
    case 'tier_reached':
      return `${person} has reached ${award.tier ?? 'a tier'} as ${title}: ${figures}.`;
    case 'tier_lost':
      return `${person} no longer has ${award.tier ?? 'a tier'} as ${title}${remainder(award)}: ${reason}.`;
    default:
      return award.type satisfies never;
  }
}

const remainder = ({ remaining_tier: tier }: AwardEvent): string => (tier === null ? '' : `, but ${tier}`);

/** For Slack's incoming webhooks, and those of other chats that take the same. */
export const slackRequest = (award: AwardEvent, view: AwardView): EndpointRequest => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    text: harmless(awardText(award, view)),
    mrkdwn: false,
    unfurl_links: false,
    unfurl_media: false,
  }),
});
