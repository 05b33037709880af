import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchStack } from '../bench-stack.js';
import { flameGraph, type CpuProfile } from '../flame-graph.js';
import type { Framing } from './peer.js';
import { profileIngest } from './run.js';

/** Writes `<service>-<framing>.svg` of each service. */
export async function profiles(
  stack: BenchStack,
  {
    events,
    framings,
    folder,
  }: { readonly events: number; readonly framings: readonly Framing[]; readonly folder: string },
  onProgress: (line: string) => void,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const framing of framings) {
    const raw = mkdtempSync(join(tmpdir(), 'laurel-profiles-'));
    try {
      await profileIngest(stack, { events, framing, folder: raw }, onProgress);
      for (const file of readdirSync(raw)) {
        const profile = JSON.parse(readFileSync(join(raw, file), 'utf8')) as CpuProfile;
        const service = serviceOf(profile);
        if (service === undefined) continue;
        const target = join(folder, `${service}-${framing}.svg`);
        writeFileSync(target, flameGraph(profile, `${service}, ${events} events as ${framing}`));
        onProgress(`wrote ${target}`);
      }
    } finally {
      rmSync(raw, { recursive: true, force: true });
    }
  }
}

/** Which program a profile is of, by the files in it. */
function serviceOf({ nodes }: CpuProfile): string | undefined {
  for (const { callFrame } of nodes) {
    const service = /\/services\/(usage-[a-z]+)\/dist\//.exec(callFrame.url)?.[1];
    if (service !== undefined) return service;
  }
  return undefined;
}
