/** The `source` of the trace's events. */
export const TRACE_SOURCE = 'mooncake-conversation';

/** The `source` of outcomes. */
export const OUTCOME_SOURCE = 'demo-outcomes';

/** The `source` of the live trickle's events. */
export const TRICKLE_SOURCE = 'demo-trickle';

/** The word that stands wherever the demo's figures are shown. */
export const SEMI_SYNTHETIC = 'semi-synthetic';

/** One sentence for a terminal, to be shown with the demo's figures. */
export const PROVENANCE =
  'Semi-synthetic: the requests are real (12,031 of a production chat service, Mooncake, FAST ’25); ' +
  'users, teams, models and dates are invented, and what came of the work is invented altogether.';

/** On every event of the demo, so that its rows tell where they come from. */
export const PROVENANCE_ATTRIBUTES: Readonly<Record<string, string>> = { data: SEMI_SYNTHETIC };

/** On every outcome, of which nothing is real. */
export const INVENTED_ATTRIBUTES: Readonly<Record<string, string>> = { data: 'invented' };
