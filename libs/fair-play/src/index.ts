export * from './signal.js';
export { DATED_MODEL } from './signals/before-release.js';
export { signalsOf } from './signals-of.js';
export { signalNames, signalText } from './signal-text.js';
