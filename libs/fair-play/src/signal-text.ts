import { thresholds, type SignalEvidence, type SignalId } from './signal.js';

/** What a signal is called where people read it. */
export const signalNames: Readonly<Record<SignalId, string>> = {
  unattended_run: 'agents went on alone',
  unbroken_run: 'own calls without a pause',
  round_the_clock: 'own calls round the clock',
  replayed_prefix: 'far more read from caches than written',
  tiny_models: 'many models hardly used',
  repeated_shape: 'many calls alike to the token',
  same_instant: 'many calls at the same instant',
  spike: 'far above the usual',
  before_release: 'a model before its release',
};

/** The figures that a signal rests on, in plain words; in English, times in UTC. */
export function signalText(signal: SignalId, evidence: SignalEvidence): string {
  const of = (name: string): string => evidence[name] ?? '';
  switch (signal) {
    case 'unattended_run':
      return `${of('hours')} hours in a row in which agents used ${figure(of('tokens'))} tokens and nobody asked anything, from ${instant(of('run_start'))}`;
    case 'unbroken_run':
      return `own calls for ${duration(of('minutes'))} without a pause over ${thresholds.unbroken_run.pauseMinutes} minutes, in ${figure(of('own_minutes'))} minutes of them, from ${instant(of('run_start'))}`;
    case 'round_the_clock':
      return `own calls in ${of('own_hours')} of the day’s 24 hours`;
    case 'replayed_prefix':
      return `${figure(of('cache_read'))} tokens read from caches for ${figure(of('output'))} of output`;
    case 'tiny_models':
      return `${of('tiny_models')} of ${of('models')} models with less than ${thresholds.tiny_models.perMilleBelow / 10} % each of ${figure(of('tokens'))} tokens`;
    case 'repeated_shape':
      return `${figure(of('calls'))} of ${figure(of('all_calls'))} calls with the very same counts, ${figure(of('tokens'))} tokens of ${of('model')} each`;
    case 'same_instant':
      return `${figure(of('calls'))} calls at ${instant(of('instant'))}`;
    case 'spike': {
      const team =
        of('team_median') === ''
          ? ''
          : `, and ${figure(of('team_median'))} of the ${of('team_people')} people of the team`;
      return `${figure(of('tokens'))} tokens, where a usual day has ${figure(of('own_median'))} (of ${of('active_days')} days)${team}`;
    }
    case 'before_release':
      return `${figure(of('calls'))} calls of ${of('model')}, which by its id came out on ${of('released')}`;
    default:
      return signal satisfies never;
  }
}

const figure = (digits: string): string => BigInt(digits).toLocaleString('en');

const instant = (ms: string): string => `${new Date(Number(ms)).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

const duration = (minutes: string): string => {
  const [hours, rest] = [Math.floor(Number(minutes) / 60), Number(minutes) % 60];
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
};
