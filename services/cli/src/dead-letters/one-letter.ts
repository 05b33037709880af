import type { DeadLetter } from '@laurel/events';
import type { Letter } from './letter-fold.js';
import { letterJson } from './tables.js';
import { harmless, harmlessLines } from '../terminal.js';
import { keyText, timeText, utf8 } from './text.js';
import { hexDump, type ReadValue } from './value.js';

/** More of a value is for `--raw`. */
const MAX_DUMPED_BYTES = 4096;

/** What is known of a letter besides itself. */
export interface History {
  /** The places that it was sent again from, the latest first. */
  readonly before: readonly { readonly place: string; readonly letter: Letter | undefined }[];
  /** What came of it when it was sent again and rejected again. */
  readonly after: Letter | undefined;
}

/** Follows `redriven-from` through the letters that are still there. */
export function historyOf(letter: Letter, all: readonly Letter[]): History {
  const byPlace = new Map<string, Letter>();
  for (const one of all) if (!byPlace.has(one.place)) byPlace.set(one.place, one);
  const before: { place: string; letter: Letter | undefined }[] = [];
  const seen = new Set([letter.place]);
  for (let place = letter.redrivenFrom; place !== undefined && !seen.has(place);) {
    const found = byPlace.get(place);
    before.push({ place, letter: found });
    seen.add(place);
    place = found?.redrivenFrom;
  }
  return { before, after: all.find(({ redrivenFrom }) => redrivenFrom === letter.place) };
}

export function letterText(letter: Letter, whole: DeadLetter, value: ReadValue, history: History): string {
  const lines: [string, string][] = [
    ['place', harmless(letter.place)],
    ['code', letter.code],
    ['message', harmless(whole.message)],
    ...(letter.field === null ? [] : ([['field', harmless(letter.field)]] as [string, string][])),
    ['recorded', `${timeText(letter.recordTimestampMs)} UTC`],
    ['rejected', `${timeText(letter.rejectedAtMs)} UTC`],
    ['redriven', letter.redrivenAtMs === undefined ? 'no' : `${timeText(letter.redrivenAtMs)} UTC`],
  ];
  if (history.after !== undefined)
    lines.push(['', `and rejected again: ${harmless(history.after.place)} (${history.after.code})`]);
  for (const { place, letter: former } of history.before)
    lines.push(['sent from', harmless(place) + (former === undefined ? '' : ` (${former.code})`)]);
  const key = keyText(whole.key);
  lines.push(['key', key === null ? '(none)' : harmless(key)]);
  if (whole.headers.length === 0) lines.push(['headers', '(none)']);
  for (const [index, { name, value: bytes }] of whole.headers.entries())
    lines.push([index === 0 ? 'headers' : '', `${harmless(name)}: ${harmless(keyText(bytes) ?? '')}`]);
  lines.push(['value', valueHeading(whole, value)]);
  if (letter.truncatedFrom !== undefined)
    lines.push(['', `the beginning only, of ${letter.truncatedFrom.toLocaleString('en')} bytes`]);
  if (letter.batchFrom !== undefined)
    lines.push(['', `a whole batch of the log, of the offsets ${letter.batchFrom} to ${letter.offset}`]);
  const body = valueText(whole, value);
  return `${lines.map(([name, text]) => `${name.padEnd(10)}${text}`).join('\n')}${body === '' ? '' : `\n\n${body}`}`;
}

function valueHeading({ value: bytes }: DeadLetter, value: ReadValue): string {
  const size = `${(bytes?.length ?? 0).toLocaleString('en')} bytes`;
  switch (value.form) {
    case 'none':
      return '(none)';
    case 'json':
      return `${size}, JSON`;
    case 'avro':
      return `${size}, Avro: ${value.schema}`;
    case 'text':
      return `${size}, text that is no JSON`;
    case 'bytes':
      return `${size}, ${harmless(value.note)}`;
  }
}

function valueText({ value: bytes }: DeadLetter, value: ReadValue): string {
  switch (value.form) {
    case 'none':
      return '';
    case 'json':
    case 'text':
      return harmlessLines(value.text);
    case 'avro':
      return harmlessLines(JSON.stringify(value.value, undefined, 2));
    case 'bytes': {
      const all = bytes ?? new Uint8Array();
      const more = all.length - MAX_DUMPED_BYTES;
      return hexDump(all.subarray(0, MAX_DUMPED_BYTES)) + (more > 0 ? `\n… and ${more} bytes; --raw has them all` : '');
    }
  }
}

/** Key and value are given as bytes, in base64, and besides as text and decoded, where that can be. */
export function letterDocument(
  letter: Letter,
  whole: DeadLetter,
  value: ReadValue,
  history: History,
): Record<string, unknown> {
  const base64 = (bytes: Uint8Array | null): string | null =>
    bytes === null ? null : Buffer.from(bytes).toString('base64');
  return {
    ...letterJson(letter),
    message: whole.message,
    history: history.before.map(({ place }) => place),
    rejected_again: history.after?.place ?? null,
    headers: whole.headers.map(({ name, value: bytes }) => ({
      name,
      text: utf8(bytes) ?? null,
      base64: base64(bytes),
    })),
    key_base64: base64(whole.key),
    value_form: value.form,
    value: value.form === 'json' || value.form === 'avro' ? value.value : value.form === 'text' ? value.text : null,
    value_base64: base64(whole.value),
  };
}
