import { offsetOfRoll, differences, suspectKey, type Suspect } from '@laurel/clickhouse';
import { healBuckets, type DaysVerdict } from './days.js';
import { newFinding, type CheckOptions, type CheckResult, type Finding } from './finding.js';
import { plural } from '../terminal.js';
import { CouldNotCheck, type AuditWorld } from './world.js';

/** The figures of every bucket that has a head must be those of the log; a day's those of its hours. */
export async function checkBuckets(
  world: AuditWorld,
  { heal }: CheckOptions,
  days: () => Promise<DaysVerdict>,
): Promise<CheckResult> {
  const verdict = await days();
  const suspects = verdict.confirmed.filter(({ code }) => code === 'figures_differ');
  const found = suspects.map((suspect) => ({
    suspect,
    finding: bucketFinding('buckets', suspect, differences(suspect)),
  }));
  const incomplete = heal ? await healFound(world, found) : undefined;
  return {
    compared: `${plural(verdict.buckets, 'bucket')} of ${plural(verdict.days, 'day')}`,
    counts: { buckets: verdict.buckets, days: verdict.days, unsettled: verdict.unsettled },
    asOf: `hours closed before ${bucketText(verdict.closed.hour)}, days before ${bucketText(verdict.closed.day)}`,
    findings: found.map(({ finding }) => finding),
    notes: unsettledNotes(verdict),
    incomplete: incomplete ?? verdict.incomplete,
  };
}

export const unsettledNotes = ({ unsettled }: DaysVerdict): readonly string[] =>
  unsettled === 0 ? [] : [`${plural(unsettled, 'bucket')} changed each time it was looked at; nothing is said of it`];

export function bucketFinding(check: 'buckets' | 'heads', suspect: Suspect, message: string): Finding {
  const { code, of, bucket, head } = suspect;
  return newFinding({ check, code, at: `${of} ${bucketText(bucket)}`, message, asOf: headText(head), healable: true });
}

/** Sets what is healed. @returns why it could not be finished, if so. */
export async function healFound(
  world: AuditWorld,
  found: readonly { readonly suspect: Suspect; readonly finding: Finding }[],
): Promise<string | undefined> {
  if (found.length === 0) return undefined;
  try {
    const healed = await healBuckets(
      world,
      found.map(({ suspect }) => suspect),
    );
    for (const { suspect, finding } of found) finding.healed = healed.has(suspectKey(suspect));
    return undefined;
  } catch (error) {
    if (error instanceof CouldNotCheck) return error.message;
    throw error;
  }
}

/** In milliseconds, as `rollIdOf` puts it into the id. */
const rolledAtMs = (rollId: bigint): number => Number((rollId >> 20n) & 0xfff_ffff_ffffn);

function headText(head: string | undefined): string {
  if (head === undefined) return 'no head';
  const rollId = BigInt(head);
  const at = new Date(rolledAtMs(rollId)).toISOString();
  return `roll of ${at}, which knows usage.stored.v1 up to offset ${offsetOfRoll(rollId)}`;
}

export const bucketText = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 16);
