import { PeopleDirectory } from '@laurel/policy';
import { generatedHandle } from '@laurel/titles';
import { slackRequest } from './slack-request.js';
import { logged, viewOf } from './testing/awards.js';

const textOf = (...[fields]: readonly [Parameters<typeof logged>[1]]): string =>
  (JSON.parse(slackRequest(logged(0, fields).award, viewOf()).body) as { readonly text: string }).text;
const [one, two] = [generatedHandle('u-1'), generatedHandle('u-2')];

describe('what is written into a chat', () => {
  it.each([
    [{}, `${one} is now Token Legend: 1,234,567 tokens, 2026-04-15 to 2026-05-14 UTC.`],
    [
      { previous_holder: 'u-2', title_id: 'cache_wizard', value: 0.93456, unit: 'ratio' },
      `${one} is now Cache Wizard, after ${two}: 93.5 %, 2026-04-15 to 2026-05-14 UTC.`,
    ],
    [
      { type: 'title_revoked', reason: 'corrected', title_id: 'model_connoisseur' },
      `${one} is no longer Model Connoisseur: figures were corrected.`,
    ],
    [
      { type: 'tier_reached', tier: 'gold', value: 2.256, unit: 'models' },
      `${one} has reached gold as Token Legend: 2.26 models, 2026-04-15 to 2026-05-14 UTC.`,
    ],
    [
      { type: 'tier_lost', tier: 'gold', reason: 'not_eligible' },
      `${one} no longer has gold as Token Legend: the title’s minimum is not met any more.`,
    ],
    [
      { type: 'tier_lost', tier: 'gold', remaining_tier: 'bronze', reason: 'below_threshold' },
      `${one} no longer has gold as Token Legend, but bronze: the threshold is not met any more.`,
    ],
    [
      { title_id: 'of_our_own', scope: 'team:payments' },
      `${one} is now of_our_own (team:payments): 1,234,567 tokens, 2026-04-15 to 2026-05-14 UTC.`,
    ],
  ] as const)('says %j in words', (fields, text) => {
    expect(textOf(fields)).toBe(text);
  });

  it('calls people by their handles only', () => {
    const { body } = slackRequest(logged(0, { user_id: 'u-secret-1', previous_holder: 'u-secret-2' }).award, viewOf());
    expect(body).not.toContain('u-secret');
    expect(body).toContain(generatedHandle('u-secret-1'));
    expect(body).toContain(generatedHandle('u-secret-2'));
  });

  it('says of whoever is hidden, or not named, that the title has changed hands and no more', () => {
    const view = viewOf(new PeopleDirectory({ visibility: 'hidden', figures: 'exact' }));
    const text = (fields: Parameters<typeof logged>[1]): unknown =>
      JSON.parse(slackRequest(logged(0, fields).award, view).body);
    expect(text({ previous_holder: 'u-2' })).toMatchObject({ text: 'Token Legend has changed hands.' });
    expect(textOf({ type: 'title_revoked', reason: 'withheld', user_id: '' })).toBe('Token Legend has changed hands.');
    expect(textOf({ type: 'tier_lost', reason: 'withheld', user_id: '' })).toBe(
      'Somebody’s tier as Token Legend has changed.',
    );
  });

  it('mentions nobody and links nowhere, whatever a team is called', () => {
    const text = textOf({ scope: 'team:<!channel> <@U1> <http://e.example|x> @here & @channel\u202e\n\u0000end' });
    expect(text).toContain(
      '(team:&lt;!channel&gt; &lt;@\u200bU1&gt; &lt;http://e.example|x&gt; @\u200bhere &amp; @\u200bchannel end)',
    );
    expect(text).not.toMatch(/[<>\n\u0000\u202e]|@(?!\u200b)/);
  });

  it('is plain text', () => {
    expect(JSON.parse(slackRequest(logged(0).award, viewOf()).body)).toMatchObject({
      mrkdwn: false,
      unfurl_links: false,
      unfurl_media: false,
    });
  });
});
