import { runCampaign } from './campaign.js';
import { catalogue } from './faults/catalogue.js';
import { reportText } from './report.js';

/** On a machine of two cores that has nothing else to do it takes four minutes. */
const LIMIT_MS = 1_200_000;
const TIMEOUT_MS = LIMIT_MS + 120_000;

/** The short form of `npm run chaos`: each fault that is soon over once, those on different targets at once. */
it(
  'loses nothing and counts nothing twice under every fault that is soon over',
  async () => {
    const faults = catalogue.filter((fault) => fault.isLong !== true);
    const lines: string[] = [];
    const began = Date.now();
    const report = await runCampaign({
      seed: 1,
      minutes: 10,
      rounds: 0,
      rate: 200,
      faults,
      times: faults.length,
      atOnce: 5,
      recoveryMs: 0,
      pauseMs: 0,
      settleMs: 240_000,
      parts: [],
      partTimes: 0,
      allowedMisses: 4,
      settings: { LAUREL_PROJECTOR_LATE_MAX_WAIT_MS: '2000' },
      limitMs: LIMIT_MS,
      command: 'services/acceptance/src/chaos/chaos.test.ts',
      onProgress: (line) => lines.push(`${Math.round((Date.now() - began) / 1000)} s: ${line}`),
    }).catch((error: unknown) => {
      // The last lines first: they say what it waited for.
      throw new Error([String(error), ...lines.reverse()].join('\n'), { cause: error });
    });
    // The reasons first: what prints them may cut the rest.
    if (!report.passed) throw new Error([...report.failures, ...lines, reportText(report)].join('\n'));
    expect(report.faults.map(({ name }) => name).sort()).toEqual(faults.map(({ name }) => name).sort());
  },
  TIMEOUT_MS,
);
