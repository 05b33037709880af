import { answerFaults } from './answers.js';
import type { Fault } from './fault.js';
import { kills } from './kills.js';
import { serverFaults } from './servers.js';
import { stalls } from './stalls.js';

/** Every fault of a campaign's main run. */
export const catalogue: readonly Fault[] = [...kills, ...answerFaults, ...serverFaults, ...stalls];
