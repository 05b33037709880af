import { compactionGaps } from './compaction.js';
import { diskFull } from './disk-full.js';
import { logStart } from './log-start.js';
import type { Part } from './part.js';

/** Every fault that doesn't suit the main run. */
export const parts: readonly Part[] = [logStart, compactionGaps, diskFull];
