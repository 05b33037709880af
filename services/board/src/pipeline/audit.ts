import type { Operations } from '../api/answers.js';

export type CheckOutcome = NonNullable<Operations['audit'][number]['last']>;

/** Audits are to be made every night; of those that are older, one has been missed. */
const OLD_MS = 2 * 86_400_000;

/** Whether a check was not made for two days, or never. */
export const isOld = (last: CheckOutcome | null, nowMs: number): boolean =>
  last === null || nowMs - Date.parse(last.ended_at) > OLD_MS;

/** How many findings of a check are left, were healed, and are mere warnings. */
export function tallyOf({ findings }: Pick<CheckOutcome, 'findings'>) {
  const errors = findings.filter(({ severity }) => severity === 'error');
  const sum = (of: typeof findings, one: (finding: (typeof findings)[number]) => number): number =>
    of.reduce((total, finding) => total + one(finding), 0);
  return {
    left: sum(errors, ({ found, healed }) => found - healed),
    healed: sum(errors, ({ healed }) => healed),
    warnings: sum(findings, ({ severity, found }) => (severity === 'warning' ? found : 0)),
  };
}

/** What all checks together come to; what is wrong weighs more than what is not known. */
export function auditVerdict(audit: Operations['audit'], nowMs: number): 'findings' | 'unfinished' | 'old' | 'clean' {
  if (audit.some(({ last }) => last !== null && tallyOf(last).left > 0)) return 'findings';
  if (audit.some(({ last }) => last?.finished === false)) return 'unfinished';
  return audit.some(({ last }) => isOld(last, nowMs)) ? 'old' : 'clean';
}
