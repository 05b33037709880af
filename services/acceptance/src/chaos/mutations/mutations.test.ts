import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { catalogue } from '../faults/catalogue.js';
import { mutate, mutations } from './mutations.js';

const ROOT = fileURLToPath(new URL('../../../../..', import.meta.url));

/** Whether a campaign notices them is `npm run chaos -- --mutations`, which takes some minutes. */
describe.each(mutations.map((mutation) => [mutation.name, mutation] as const))('the mutation %s', (_, mutation) => {
  it('changes what is built now, and refuses anything else', () => {
    const built = readFileSync(`${ROOT}${mutation.file}`, 'utf8');
    expect(mutate(mutation, built)).not.toBe(built);
    expect(() => mutate(mutation, '')).toThrow(mutation.name);
  });

  it('is brought out by faults that there are', () => {
    const names = catalogue.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([...mutation.faults]));
  });
});
