import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { titleTier, topics, type AwardEvent } from '@laurel/events';
import { readToEnd } from '@laurel/kafka';
import { builtInRules, titleRuleSchema, type TitleRule } from '@laurel/titles';
import { eventually } from './pipeline/eventually.js';
import { Pipeline } from './pipeline/pipeline.js';
import { usage } from './pipeline/usage.js';

const HOUR_MS = 3_600_000;

const [legend, connoisseur] = builtInRules;
const tieredRule = titleRuleSchema.parse({
  ...legend,
  version: legend.version + 1,
  // A call brings in all of its tokens.
  metric: { kind: 'capped_tokens' },
  tiers: { by: 'value', levels: { bronze: 1000, silver: 5000, gold: 1_000_000 } },
});

interface User {
  readonly tiers: readonly { readonly title_id: string; readonly tier: string }[];
}

describe('tiers of a title', () => {
  let pipeline: Pipeline;
  const folder = mkdtempSync(join(tmpdir(), 'laurel-tiers-'));

  beforeAll(async () => {
    pipeline = await Pipeline.create(['usage-ingest', 'usage-projector', 'title-awarder', 'api']);
    await apply([tieredRule, connoisseur]);
  });
  afterAll(async () => {
    await pipeline.close();
    rmSync(folder, { recursive: true });
  });

  async function apply(titles: readonly TitleRule[]): Promise<void> {
    const file = join(folder, 'titles.yaml');
    writeFileSync(file, JSON.stringify({ titles }));
    await pipeline.laurel('titles', 'apply', '--yes', file);
  }
  const call = (user_id: string, input: number) =>
    usage({ user_id, session_id: `s-${user_id}`, occurred_at: Date.now() - 2 * HOUR_MS, tokens: { input } });
  const tierEvents = async (): Promise<readonly AwardEvent[]> =>
    (await pipeline.awards()).filter(({ type }) => type.startsWith('tier'));
  const story = async (): Promise<readonly unknown[]> =>
    (await tierEvents()).map(({ type, user_id, tier, remaining_tier, reason }) => [
      type,
      user_id,
      tier,
      remaining_tier,
      reason,
    ]);
  /** What a subscriber of the present tiers has. */
  const shown = async (): Promise<Record<string, string>> => {
    const tiers = new Map<string, string>();
    await readToEnd(pipeline.kafka, {
      topic: pipeline.topic(topics.titleTiers.name),
      groupPrefix: pipeline.prefix,
      onRecord: ({ key, value }) => {
        const [title, scope, user] = JSON.parse(Buffer.from(key ?? []).toString()) as readonly string[];
        expect([title, scope]).toEqual(['token_legend', 'company']);
        if (value === null) tiers.delete(user ?? '');
        else tiers.set(user ?? '', titleTier.decode(value).tier);
      },
    });
    return Object.fromEntries(tiers);
  };
  const eventuallyShown = (expected: Readonly<Record<string, string>>): Promise<true> =>
    eventually(`the tiers ${JSON.stringify(expected)}`, async () => {
      const now = await shown();
      return JSON.stringify(Object.entries(now).sort()) === JSON.stringify(Object.entries(expected).sort());
    });

  it('are reached by everybody whose value is at a threshold, each with one award, and shown', async () => {
    await pipeline.publish([call('u-ada', 6000), call('u-bo', 1000), call('u-cy', 999)]);
    await eventuallyShown({ 'u-ada': 'silver', 'u-bo': 'bronze' });
    expect(await story()).toEqual([
      ['tier_reached', 'u-ada', 'silver', null, 'above_threshold'],
      ['tier_reached', 'u-bo', 'bronze', null, 'above_threshold'],
    ]);
    await eventually('the API to show it', async () => {
      const { tiers } = await pipeline.get<User>('/v1/users/u-ada');
      return tiers[0]?.tier === 'silver';
    });
  });

  it('go on from where they were when another instance takes over', async () => {
    await pipeline.service('title-awarder').end('SIGKILL');
    await pipeline.publish([call('u-cy', 2_000_000)]);
    await pipeline.start('title-awarder');
    await eventuallyShown({ 'u-ada': 'silver', 'u-bo': 'bronze', 'u-cy': 'gold' });
    expect(await tierEvents()).toHaveLength(3);
  });

  it('are explained with what is kept from where, and what the next one takes', async () => {
    const text = await pipeline.laurel('titles', 'explain', 'u-ada', '--title', 'token_legend');
    expect(text).toContain('silver since ');
    expect(text).toContain('kept from 4,500 tokens on');
    expect(text).toContain('gold from 1,000,000 tokens on, 994,000 tokens more than now');
    const { titles } = JSON.parse(await pipeline.laurel('titles', 'explain', 'u-ada', '--json')) as {
      readonly titles: readonly { readonly tier: unknown }[];
    };
    expect(titles.map(({ tier }) => tier)).toEqual([expect.objectContaining({ tier: 'silver', next: 'gold' }), null]);
  });

  it('would have been reached in a simulation of the time since, which counts them', async () => {
    const from = new Date(Date.now() - 3 * HOUR_MS).toISOString();
    const { titles } = JSON.parse(await pipeline.laurel('titles', 'simulate', '--from', from, '--json')) as {
      readonly titles: readonly { readonly title_id: string; readonly tiers: readonly unknown[] }[];
    };
    expect(titles.find(({ title_id: id }) => id === 'token_legend')?.tiers).toEqual(
      ['bronze', 'silver', 'gold'].map((tier) => ({ tier, reached: 1, lost: 0, most_people: 1, people_at_end: 1 })),
    );
    const text = await pipeline.laurel('titles', 'simulate', '--from', from);
    expect(text).toMatch(/silver.*1.*0.*1.*1/);
  });

  it('are taken from whoever hides or is erased, without naming them', async () => {
    const before = (await tierEvents()).length;
    await pipeline.laurel('people', 'set', 'u-bo', '--visibility', 'hidden');
    await eventuallyShown({ 'u-ada': 'silver', 'u-cy': 'gold' });
    await pipeline.laurel('forget', 'u-cy', '--yes');
    await eventuallyShown({ 'u-ada': 'silver' });
    const after = (await tierEvents()).slice(before);
    expect(after.map(({ user_id, tier, reason, value }) => [user_id, tier, reason, value])).toEqual([
      ['', null, 'withheld', 0],
      ['', null, 'withheld', 0],
    ]);
    expect(JSON.stringify(after)).not.toMatch(/u-bo|u-cy/);
  });

  it('are lost with the rule’s tiers, and found in order by the audit all the while', async () => {
    await apply([{ ...tieredRule, tiers: undefined, version: legend.version + 2 }, connoisseur]);
    await eventuallyShown({});
    expect((await story()).at(-1)).toEqual(['tier_lost', 'u-ada', 'silver', null, 'rule_changed']);
    await pipeline.laurel('audit', '--check', 'holders');
  });
});
