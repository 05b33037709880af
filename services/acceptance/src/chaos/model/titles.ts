import { awardEvent, titleHolders, topics, type AwardEvent } from '@laurel/events';
import { readToEnd } from '@laurel/kafka';
import {
  AwardLogError,
  decide,
  fold,
  holdersOf,
  measure,
  neverAwarded,
  rank,
  titleKey,
  type TitleState,
} from '@laurel/titles';
import { dayOf, windowOf } from '@laurel/usage';
import { CAMPAIGN_RULES } from '../world/rules.js';
import type { World } from '../world/world.js';
import { Comparison, type CheckResult } from './differences.js';
import type { Totals } from './totals.js';

interface ApiTitles {
  readonly titles: readonly { readonly id: string; readonly holders: readonly { readonly award_id: string }[] }[];
}

/** Awards without a hole or repeat, holders that are their fold, and nothing that the titles' definition would change. */
export async function compareTitles(
  world: World,
  totals: Totals,
  nowMs: number,
): Promise<{ readonly awards: number; readonly checks: readonly CheckResult[] }> {
  const awards = await readAwards(world);
  const sequence = new Comparison('the awards have no hole and no repeat');
  let states: ReadonlyMap<string, TitleState> = new Map();
  try {
    states = fold(awards);
    for (const id of new Set(awards.map((award) => award.award_id)))
      sequence.add(id === '' && 'an award without an id');
    if (new Set(awards.map((award) => award.award_id)).size < awards.length) sequence.add('an award id is there twice');
  } catch (error) {
    if (!(error instanceof AwardLogError)) throw error;
    sequence.add(`${error.code}: ${error.message}`);
  }

  const holders = new Comparison('the holders are the fold of the awards');
  holders.maps(
    new Map(
      [...states].flatMap(([key, state]) => {
        const held = holdersOf(state);
        return held === null ? [] : [[key, JSON.stringify(held)]];
      }),
    ),
    await readHolders(world),
  );

  const settled = new Comparison('the holders are those whom the titles’ definition names for the model');
  const facts = totals.facts;
  for (const rule of CAMPAIGN_RULES) {
    const state = states.get(titleKey({ titleId: rule.id, scope: 'company' })) ?? neverAwarded(rule.id, 'company');
    const standings = rank(rule.eligibility, measure(rule.metric, facts));
    const window = windowOf(rule.window, nowMs);
    const [change] = decide({ rule, standings, window, evaluatedAtMs: nowMs }, state);
    settled.add(change !== undefined && `${rule.id}: ${change.type} ${change.user_id} (${change.reason}) is missing`);
  }

  const shown = new Comparison('the API shows the holders');
  const [api] = world.of('api');
  if (api?.url !== undefined) {
    const { titles } = await fetch(`${api.url}/v1/titles`).then(
      async (answer) => (await answer.json()) as ApiTitles,
      (error: unknown): ApiTitles => {
        shown.add(`it does not answer: ${String(error)}`);
        return { titles: [] };
      },
    );
    for (const { id, holders: people } of titles) {
      const state = states.get(titleKey({ titleId: id, scope: 'company' }));
      const expected = (state?.holders ?? []).map((award) => award.award_id).join();
      const found = people.map(({ award_id }) => award_id).join();
      shown.add(expected !== found && `${id}: expected ${expected}, found ${found}`);
    }
  }
  return { awards: awards.length, checks: [sequence, holders, settled, shown].map((one) => one.result) };
}

async function readAwards(world: World): Promise<AwardEvent[]> {
  const awards: AwardEvent[] = [];
  await readToEnd(world.kafka, {
    topic: world.topic(topics.titleAwards.name),
    groupPrefix: `${world.prefix}chaos-awards-`,
    onRecord: ({ value }) => {
      if (value !== null) awards.push(awardEvent.decode(value));
    },
  });
  return awards;
}

async function readHolders(world: World): Promise<Map<string, string>> {
  const holders = new Map<string, string>();
  await readToEnd(world.kafka, {
    topic: world.topic(topics.titleHolders.name),
    groupPrefix: `${world.prefix}chaos-holders-`,
    onRecord: ({ key, value }) => {
      const title = Buffer.from(key ?? []).toString();
      if (value === null) holders.delete(title);
      else holders.set(title, JSON.stringify(titleHolders.decode(value)));
    },
  });
  return holders;
}

/** Midnight moves the windows; a check that sees it begins anew. */
export const isSameDay = (aMs: number, bMs: number): boolean => dayOf(aMs) === dayOf(bMs);
