import { ledgerTotals } from '@laurel/clickhouse';
import { behindOf } from '@laurel/kafka';
import type { DaysVerdict } from './days.js';
import { offsetsOf } from './settle.js';
import type { AuditWorld } from './world.js';

/** What is no finding, and is good to know. */
export interface Information {
  readonly ledger: { readonly rows: number; readonly dead: number; readonly erased: number };
  /** Distinct events and outcomes of the days compared, retracted ones too; null when no day was. */
  readonly identities: number | null;
  /** Records stored, repeats of batches included, less the distinct events; null unless every day was compared. */
  readonly duplicatesAbsorbed: number | null;
  readonly groups: readonly GroupLag[];
}

export interface GroupLag {
  readonly group: string;
  readonly topic: string;
  /** How many records the group has yet to commit; null when it never committed any. */
  readonly behind: number | null;
}

export async function gatherInformation(
  world: AuditWorld,
  days: DaysVerdict | undefined,
  wholeHistory: boolean,
): Promise<Information> {
  const totals = await world.attempt('reading the ledger', async () =>
    (await Promise.all(world.logs.map(({ topic }) => ledgerTotals(world.clickhouse, topic)))).flat(),
  );
  const sum = (of: 'rows' | 'dead' | 'erased'): number => totals.reduce((all, one) => all + one[of], 0);
  const isWhole = days !== undefined && days.incomplete === undefined && wholeHistory;
  const { ingest, projector, awarder } = world.groups;
  return {
    ledger: { rows: sum('rows'), dead: sum('dead'), erased: sum('erased') },
    identities: days?.identities ?? null,
    duplicatesAbsorbed: isWhole ? Math.max(0, sum('rows') - days.identities) : null,
    groups: [
      await lagOf(world, ingest, world.topic('usageEvents')),
      await lagOf(world, ingest, world.topic('usageOutcomes')),
      await lagOf(world, projector, world.topic('usageStored')),
      await lagOf(world, awarder, world.topic('usageProjected')),
    ],
  };
}

async function lagOf(world: AuditWorld, group: string, topic: string): Promise<GroupLag> {
  return { group, topic, behind: behindOf((await offsetsOf(world, group, topic)).values()) };
}
