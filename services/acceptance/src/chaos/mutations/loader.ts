import type { LoadHook } from 'node:module';
import { mutate, mutations, type Mutation } from './mutations.js';

let mutation: Mutation | undefined;

/** Called by Node with what `register` was given (Node's documentation, "Customization hooks"). */
export function initialize(name: string): void {
  mutation = mutations.find((one) => one.name === name);
  if (mutation === undefined) throw new Error(`there is no mutation ${name}`);
}

export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context);
  if (mutation === undefined || !url.endsWith(mutation.file)) return loaded;
  if (loaded.source === undefined) throw new Error(`${url} has no source`);
  const text = typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString();
  return { ...loaded, source: mutate(mutation, text) };
};
