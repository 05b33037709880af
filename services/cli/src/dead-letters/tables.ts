import Table from 'cli-table3';
import type { DeadLetterCode } from '@laurel/events';
import type { Letter } from './letter-fold.js';
import { brief } from '../terminal.js';
import { timeText } from './text.js';

/** Letters of one topic with one code. */
export interface LetterGroup {
  readonly topic: string;
  readonly code: DeadLetterCode;
  /** Not sent again yet. */
  open: number;
  /** Sent again. */
  redriven: number;
  firstRejectedAtMs: number;
  lastRejectedAtMs: number;
  /** The newest that is open, else the newest. */
  example: Letter;
}

/** @param letters newest first. @returns most open ones first. */
export function groupsOf(letters: readonly Letter[]): readonly LetterGroup[] {
  const groups = new Map<string, LetterGroup>();
  for (const letter of letters) {
    const { topic, code, rejectedAtMs } = letter;
    const name = `${topic} ${code}`;
    let group = groups.get(name);
    if (group === undefined) {
      const times = { firstRejectedAtMs: rejectedAtMs, lastRejectedAtMs: rejectedAtMs };
      group = { topic, code, open: 0, redriven: 0, ...times, example: letter };
      groups.set(name, group);
    }
    group.firstRejectedAtMs = rejectedAtMs;
    if (letter.redrivenAtMs !== undefined) group.redriven += 1;
    else {
      if (group.open === 0) group.example = letter;
      group.open += 1;
    }
  }
  return [...groups.values()].sort(
    (a, b) => b.open - a.open || b.redriven - a.redriven || a.code.localeCompare(b.code),
  );
}

const plain = { head: [], border: [], compact: true };
const MESSAGE_CHARACTERS = 60;
const KEY_CHARACTERS = 24;

const counted = (count: number): string => count.toLocaleString('en');

export function groupTable(groups: readonly LetterGroup[]): string {
  const table = new Table({
    head: ['code', 'topic', 'open', 'redriven', 'first', 'last (UTC)', 'for example'],
    colAligns: ['left', 'left', 'right', 'right', 'left', 'left', 'left'],
    style: plain,
  });
  for (const { code, topic, open, redriven, firstRejectedAtMs, lastRejectedAtMs, example } of groups) {
    table.push([
      code,
      brief(topic, 80),
      counted(open),
      counted(redriven),
      timeText(firstRejectedAtMs),
      timeText(lastRejectedAtMs),
      `${brief(example.place, 100)}: ${brief(example.message, MESSAGE_CHARACTERS)}`,
    ]);
  }
  return table.toString();
}

/** One line each. */
export function letterTable(letters: readonly Letter[]): string {
  const isAnyRedriven = letters.some(({ redrivenAtMs }) => redrivenAtMs !== undefined);
  const head = ['rejected (UTC)', 'code', 'place', 'key', 'message', ...(isAnyRedriven ? ['redriven'] : [])];
  const table = new Table({ head, style: plain });
  for (const { rejectedAtMs, code, place, key, message, redrivenAtMs } of letters) {
    table.push([
      timeText(rejectedAtMs),
      code,
      brief(place, 100),
      key === null ? '' : brief(key, KEY_CHARACTERS),
      brief(message, MESSAGE_CHARACTERS),
      ...(isAnyRedriven ? [redrivenAtMs === undefined ? '' : timeText(redrivenAtMs)] : []),
    ]);
  }
  return table.toString();
}

/** As `--json` prints a letter; instants are RFC 3339. */
export function letterJson(letter: Letter): Record<string, unknown> {
  const instant = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());
  return {
    place: letter.place,
    code: letter.code,
    message: letter.message,
    field: letter.field,
    topic: letter.topic,
    partition: letter.partition,
    offset: letter.offset,
    key: letter.key,
    recorded_at: instant(letter.recordTimestampMs),
    rejected_at: instant(letter.rejectedAtMs),
    redriven_at: instant(letter.redrivenAtMs),
    truncated_from_bytes: letter.truncatedFrom ?? null,
    batch_from_offset: letter.batchFrom ?? null,
    redriven_from: letter.redrivenFrom ?? null,
  };
}
