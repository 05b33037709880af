import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { titleRuleSchema, type TitleRule } from '@laurel/titles';
import { stringify } from 'yaml';
import { Pipeline } from './pipeline/pipeline.js';
import { usage } from './pipeline/usage.js';

const LAUREL = fileURLToPath(new URL('../../cli/dist/main.js', import.meta.url));
const HOUR_MS = 3_600_000;
/** A whole hour, so that each event's hour is known. */
const NOW_MS = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;

interface Outcome {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

const most = titleRuleSchema.parse({
  id: 'most_tokens',
  name: 'Most tokens',
  description: 'Most tokens.',
  version: 1,
  metric: { kind: 'capped_tokens' },
});

describe('laurel titles simulate', () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await Pipeline.create(['usage-ingest', 'usage-projector']);
    const event = (user: string, hoursAgo: number, input: number) =>
      usage({
        source: 'simulate',
        event_id: `${user}-${hoursAgo}`,
        user_id: user,
        occurred_at: NOW_MS - hoursAgo * HOUR_MS,
        tokens: { input },
      });
    await pipeline.publish([
      event('u-ada', 72, 1000),
      event('u-bo', 40, 900),
      event('u-bo', 30, 900),
      event('u-cy', 20, 200),
      event('=HYPERLINK("x")', 10, 5000),
    ]);
    await pipeline.settled();
  });
  afterAll(() => pipeline.close());

  function laurel(args: readonly string[], input = ''): Promise<Outcome> {
    return new Promise((resolve) => {
      const env = { ...process.env, ...pipeline.environment };
      const child = execFile(process.execPath, [LAUREL, 'titles', 'simulate', ...args], { env }, (error, out, err) => {
        resolve({ status: error === null ? 0 : Number(error.code), out, err });
      });
      child.stdin?.end(input);
    });
  }
  const file = (...rules: readonly TitleRule[]): string => stringify({ titles: rules });
  const at = (hoursAgo: number): string => new Date(NOW_MS - hoursAgo * HOUR_MS).toISOString();
  const copies = (): Promise<unknown[]> =>
    pipeline.rows("SELECT name FROM system.databases WHERE startsWith(name, concat(currentDatabase(), '_past_'))");

  it('says who would have held a title and when, as of the hour after each usage', async () => {
    const { status, out } = await laurel(['-', '--from', at(96), '--to', at(15), '--json'], file(most));
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      from: at(96),
      to: at(15),
      evaluations: 82,
      titles: [
        {
          title_id: 'most_tokens',
          scope: 'company',
          changes: 1,
          people: 2,
          share_of_tokens: 2800 / 3000,
          holdings: [
            { user_id: 'u-ada', from: at(71), until: at(29), awarded: 'vacant', lost: 'overtaken', value: 1000 },
            { user_id: 'u-bo', from: at(29), until: null, awarded: 'overtook', lost: null, value: 1800 },
          ],
        },
      ],
    });
    expect(await copies()).toEqual([]);
  });

  it('takes the rules in force where no file is given, and the last 30 days until now', async () => {
    const { out } = await laurel(['--json', '--every', '24']);
    const simulated = JSON.parse(out) as { evaluations: number; titles: { title_id: string; holdings: unknown[] }[] };
    expect(simulated.evaluations).toBe(31);
    expect(simulated.titles.map(({ title_id, holdings }) => [title_id, holdings.length])).toEqual([
      ['token_legend', expect.any(Number)],
      ['model_connoisseur', 0],
      ['cache_wizard', 0],
      ['session_immortal', expect.any(Number)],
      ['master_crafter', 0],
      ['frugal_sage', 0],
    ]);
  });

  it('prints a text that names people by their handles, and a CSV that is no formula', async () => {
    const period = ['-', '--from', at(96), '--to', at(0)];
    const { out: text } = await laurel(period, file(most));
    expect(text).toContain('97 evaluations, beginning with nobody as a holder');
    expect(text).toContain('Most tokens (most_tokens): 3 people held it, it changed hands 2 times');
    expect(text).toContain('1,800 tokens');
    expect(text).not.toContain('u-ada');
    const { out: csv } = await laurel([...period, '--csv'], file(most));
    const [header, first, , third] = csv.split('\n');
    expect(header).toBe('title_id,scope,user_id,handle,name,from,until,awarded,lost,value,unit');
    expect(first).toMatch(/^most_tokens,company,u-ada,[a-z-]+-\d{6},,.*,vacant,overtaken,1000,tokens$/);
    expect(third).toContain(`"'=HYPERLINK(""x"")"`);
  });

  it('names nobody who is hidden, and gives no title to them', async () => {
    const people = (...args: string[]) => pipeline.laurel('people', ...args);
    await people('set', 'u-bo', '--visibility', 'hidden');
    await people('set', 'u-ada', '--figures', 'bands');
    const { out } = await laurel(['-', '--from', at(96), '--to', at(15), '--json'], file(most));
    expect(out).not.toContain('u-bo');
    expect(JSON.parse(out)).toMatchObject({
      titles: [{ changes: 0, share_of_tokens: null, holdings: [{ user_id: 'u-ada', value: 0, until: null }] }],
    });
    await people('reset', 'u-bo');
    await people('reset', 'u-ada');
  });

  it('says what is wrong with a file, a time and an interval', async () => {
    const invalid = await laurel(['-'], 'titles: [{}]');
    expect([invalid.status, invalid.out]).toEqual([1, '']);
    expect(invalid.err).toContain('-:1:');
    expect((await laurel(['--from', at(1), '--to', at(9)])).err).toContain('--from is after --to');
    expect((await laurel(['--every', '25'])).err).toContain('not a whole number from 1 to 24');
    expect((await laurel(['--json', '--csv'])).err).toContain('cannot be used with');
  });

  it('leaves nothing behind when it is interrupted', async () => {
    const env = { ...process.env, ...pipeline.environment };
    const child = execFile(process.execPath, [LAUREL, 'titles', 'simulate', '--from', '2020-01-01'], { env });
    while ((await copies()).length === 0) await sleep(20);
    child.kill('SIGINT');
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect(code).not.toBe(0);
    expect(await copies()).toEqual([]);
  });
});
