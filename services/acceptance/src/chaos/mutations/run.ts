import { runCampaign, type CampaignOptions } from '../campaign.js';
import { catalogue } from '../faults/catalogue.js';
import { mutations, type Mutation } from './mutations.js';

/** @throws Error that names them all. */
export function mutationNamed(name: string): Mutation {
  const mutation = mutations.find((one) => one.name === name);
  if (mutation === undefined)
    throw new Error(`no mutation ${name}; there are ${mutations.map((one) => one.name).join(', ')}`);
  return mutation;
}

/** The module hook of a mutation, for `node --import`. Compiled, also when this module isn't. */
export const importOf = ({ name }: Mutation): string =>
  `${new URL('../../../dist/chaos/mutations/register.js', import.meta.url).href}?mutation=${name}`;

const RATE = 400;
const TIMES = 2;

/** A short campaign of one mutation with the faults that bring it out. @returns the differences that it found. */
export async function runMutation(
  mutation: Mutation,
  options: Pick<CampaignOptions, 'seed' | 'onProgress' | 'command'>,
): Promise<readonly string[]> {
  const report = await runCampaign({
    ...options,
    minutes: 5,
    rounds: 0,
    rate: RATE,
    faults: catalogue.filter(({ name }) => mutation.faults.includes(name)),
    times: TIMES,
    atOnce: 1,
    recoveryMs: 10_000,
    pauseMs: 10_000,
    settleMs: 60_000,
    parts: [],
    partTimes: 0,
    imports: [importOf(mutation)],
  });
  return (
    report.verdict?.checks.flatMap(({ name, differing, examples }) =>
      differing > 0 ? [`${name}: ${differing} differ, such as ${examples[0] ?? ''}`] : [],
    ) ?? []
  );
}

/** What a mutation breaks may need two to meet: so each has several tries, each with another seed. */
const TRIES = 4;

/** @returns whether the campaign has noticed every mutation. */
export async function runMutations(options: CampaignOptions): Promise<boolean> {
  const unnoticed: string[] = [];
  for (const mutation of mutations) {
    options.onProgress(`mutation ${mutation.name}: ${mutation.breaks}`);
    let found: readonly string[] = [];
    for (let time = 0; time < TRIES && found.length === 0; time += 1) {
      found = await runMutation(mutation, { ...options, seed: options.seed + time });
    }
    for (const line of found) options.onProgress(`  noticed: ${line}`);
    if (found.length === 0) unnoticed.push(mutation.name);
  }
  options.onProgress(unnoticed.length === 0 ? 'every mutation was noticed' : `NOT NOTICED: ${unnoticed.join(', ')}`);
  return unnoticed.length === 0;
}
