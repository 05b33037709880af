import { z } from 'zod';

/** Said with every ranking: what these figures are, and are not. */
export const MEASURES =
  'These figures are token volume, as publishers reported it; they say nothing about productivity or the worth of anybody’s work.';

export const measuresSchema = z.string().describe('what these figures are, and are not');
