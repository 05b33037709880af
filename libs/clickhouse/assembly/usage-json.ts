// From the documented JSON form of a usage event to its canonical Avro body, which the rest then takes as it takes Avro. What
// is not plain is left: any name that is not one of the form's, a name that stands twice, an escape, a number that
// isn't written as digits alone. `usageFromJson` in libs/events says what all of these mean.

/** Longer values are left: a body would not fit into its region. */
export const MAX_JSON_BYTES: u32 = 16 * 1024;
/** Of the region for a body: each field that is absent takes a byte or two. */
export const MAX_JSON_BODY_BYTES: u32 = 17 * 1024;
/** Of the region for what is put in order: of 32 attributes, where name and value begin, and how long they are. */
export const ATTRIBUTES_BYTES: u32 = 33 * 16;
const MAX_ATTRIBUTES: u32 = 32;
/** JavaScript's numbers hold every whole number up to this. */
const MAX_EXACT: u64 = 1 << 53;

let at: usize = 0;
let end: usize = 0;
let to: usize = 0;
/** Once false, nothing that was read counts. */
let isPlain: bool = true;

let textAt: usize = 0;
let textLength: u32 = 0;

function leave(): void {
  isPlain = false;
}

function skipSpace(): void {
  while (at < end) {
    const byte = load<u8>(at);
    if (byte != 0x20 && byte != 0x0a && byte != 0x0d && byte != 0x09) return;
    at += 1;
  }
}

/** Passes over this byte, with space before it. @returns whether it was there. */
function passes(byte: u8): bool {
  skipSpace();
  if (at >= end || load<u8>(at) != byte) return false;
  at += 1;
  return true;
}

const LOW_BITS: u64 = 0x0101010101010101;
const HIGH_BITS: u64 = 0x8080808080808080;

/** Has a high bit where a byte of the word is 0, and maybe in bytes after that (Lamport, "Multiple Byte Processing"). */
function zeroBytes(word: u64): u64 {
  return (word - LOW_BITS) & ~word & HIGH_BITS;
}

/** Whether there may be a quote, a backslash, a control character or a byte beyond ASCII among eight bytes. */
function mayEnd(word: u64): bool {
  const below = (word - LOW_BITS * 0x20) & ~word;
  return ((zeroBytes(word ^ (LOW_BITS * 0x22)) | zeroBytes(word ^ (LOW_BITS * 0x5c)) | below | word) & HIGH_BITS) != 0;
}

/** A text of printable ASCII without escapes. */
function text(): void {
  textLength = 0;
  if (!passes(0x22)) return leave();
  textAt = at;
  while (at + 8 <= end && !mayEnd(load<u64>(at))) at += 8;
  while (at < end) {
    const byte = load<u8>(at);
    if (byte == 0x22) {
      textLength = <u32>(at - textAt);
      at += 1;
      return;
    }
    if (byte < 0x20 || byte >= 0x80 || byte == 0x5c) break;
    at += 1;
  }
  leave();
}

function textIs(name: string): bool {
  return isAt(textAt, textLength, name);
}

function isAt(from: usize, length: u32, name: string): bool {
  if (length != <u32>name.length) return false;
  for (let index = 0; index < name.length; index += 1) {
    if (load<u8>(from + index) != <u8>name.charCodeAt(index)) return false;
  }
  return true;
}

/** Passes over a word such as `null`, if it is there. */
function passesWord(word: string): bool {
  skipSpace();
  const length = <u32>word.length;
  if (at + length > end || !isAt(at, length, word)) return false;
  at += length;
  return true;
}

/** Digits alone, of a number that JavaScript's hold exactly. */
function digits(): u64 {
  skipSpace();
  const from = at;
  let value: u64 = 0;
  while (at < end) {
    const digit = <u32>load<u8>(at) - 0x30;
    if (digit > 9) break;
    value = value * 10 + digit;
    at += 1;
  }
  const length = at - from;
  if (length == 0 || length > 16 || value > MAX_EXACT || (length > 1 && load<u8>(from) == 0x30)) leave();
  return value;
}

function optionalDigits(): u64 {
  return passesWord('null') ? 0 : digits();
}

function writeLong(value: u64): void {
  let rest = value << 1;
  for (; rest >= 0x80; rest >>= 7) {
    store<u8>(to, (<u8>rest) | 0x80);
    to += 1;
  }
  store<u8>(to, <u8>rest);
  to += 1;
}

function writeText(from: usize, length: u32): void {
  writeLong(length);
  memory.copy(to, from, length);
  to += length;
}

/** An empty text means none. */
function writeOptionalText(from: usize, length: u32): void {
  writeLong(length == 0 ? 0 : 1);
  if (length > 0) writeText(from, length);
}

// Fields by their order in the schema, as bits: whether they were there.
const EVENT_ID: u32 = 1 << 0;
const SOURCE: u32 = 1 << 1;
const REVISION: u32 = 1 << 2;
const RETRACTED: u32 = 1 << 3;
const OCCURRED_AT: u32 = 1 << 4;
const USER_ID: u32 = 1 << 5;
const TEAM: u32 = 1 << 6;
const SESSION_ID: u32 = 1 << 7;
const PROVIDER: u32 = 1 << 8;
const MODEL: u32 = 1 << 9;
const TOKENS: u32 = 1 << 10;
const COST: u32 = 1 << 11;
const STATUS: u32 = 1 << 12;
const ORIGIN: u32 = 1 << 13;
const ATTRIBUTES: u32 = 1 << 14;
const REQUIRED: u32 = EVENT_ID | SOURCE | OCCURRED_AT | USER_ID | PROVIDER | MODEL | TOKENS;

/** Which field the text names; 0 for none. */
function fieldOf(): u32 {
  switch (textLength) {
    case 4:
      return textIs('team') ? TEAM : 0;
    case 5:
      return textIs('model') ? MODEL : 0;
    case 6:
      if (textIs('tokens')) return TOKENS;
      if (textIs('source')) return SOURCE;
      if (textIs('status')) return STATUS;
      return textIs('origin') ? ORIGIN : 0;
    case 7:
      return textIs('user_id') ? USER_ID : 0;
    case 8:
      if (textIs('event_id')) return EVENT_ID;
      if (textIs('provider')) return PROVIDER;
      return textIs('revision') ? REVISION : 0;
    case 9:
      return textIs('retracted') ? RETRACTED : 0;
    case 10:
      if (textIs('session_id')) return SESSION_ID;
      return textIs('attributes') ? ATTRIBUTES : 0;
    case 11:
      return textIs('occurred_at') ? OCCURRED_AT : 0;
    case 14:
      return textIs('cost_micro_usd') ? COST : 0;
    default:
      return 0;
  }
}

// What the fields hold, until all are read: the body has an order of its own.
let eventIdAt: usize = 0;
let eventIdLength: u32 = 0;
let sourceAt: usize = 0;
let sourceLength: u32 = 0;
let userAt: usize = 0;
let userLength: u32 = 0;
let teamAt: usize = 0;
let teamLength: u32 = 0;
let sessionAt: usize = 0;
let sessionLength: u32 = 0;
let providerAt: usize = 0;
let providerLength: u32 = 0;
let modelAt: usize = 0;
let modelLength: u32 = 0;
let revision: u64 = 0;
let retracted: bool = false;
let time: u64 = 0;
let hasCost: bool = false;
let cost: u64 = 0;
let status: u64 = 0;
let origin: u64 = 0;

let input: u64 = 0;
let cacheRead: u64 = 0;
let cacheWrite5m: u64 = 0;
let cacheWrite1h: u64 = 0;
let cacheWrite: u64 = 0;
let output: u64 = 0;
let reasoning: u64 = 0;

let attributes: usize = 0;
let attributeCount: u32 = 0;

/**
 * @param from where the JSON begins, with its first brace; it goes up to `until`.
 * @param body where its Avro body goes.
 * @param attributeRegion room to work in.
 * @returns where the body ends; 0 when the JSON was not plain. Bounds are not checked here.
 */
export function bodyOfJson(from: usize, until: usize, body: usize, attributeRegion: usize): usize {
  at = from;
  end = until;
  to = body;
  isPlain = true;
  attributes = attributeRegion;
  attributeCount = 0;
  teamLength = 0;
  sessionLength = 0;
  revision = 0;
  retracted = false;
  hasCost = false;
  cost = 0;
  status = 0;
  origin = 3;
  input = 0;
  cacheRead = 0;
  cacheWrite5m = 0;
  cacheWrite1h = 0;
  cacheWrite = 0;
  output = 0;
  reasoning = 0;

  const seen = readFields();
  if (!isPlain || (seen & REQUIRED) != REQUIRED) return 0;
  skipSpace();
  if (at != end) return 0;

  writeText(eventIdAt, eventIdLength);
  writeText(sourceAt, sourceLength);
  writeLong(revision);
  store<u8>(to, retracted);
  to += 1;
  writeLong(time);
  writeText(userAt, userLength);
  writeOptionalText(teamAt, teamLength);
  writeOptionalText(sessionAt, sessionLength);
  writeText(providerAt, providerLength);
  writeText(modelAt, modelLength);
  writeLong(input);
  writeLong(cacheRead);
  writeLong(cacheWrite5m);
  writeLong(cacheWrite1h);
  writeLong(cacheWrite);
  writeLong(output);
  writeLong(reasoning);
  writeLong(hasCost ? 1 : 0);
  if (hasCost) writeLong(cost);
  writeLong(status);
  writeLong(origin);
  writeLong(attributeCount);
  for (let index: u32 = 0; index < attributeCount; index += 1) {
    const entry = attributes + <usize>index * 16;
    writeText(load<u32>(entry), load<u32>(entry, 4));
    writeText(load<u32>(entry, 8), load<u32>(entry, 12));
  }
  if (attributeCount > 0) writeLong(0);
  return to;
}

/** Names and values up to the closing brace. @returns which fields were there. */
function readFields(): u32 {
  let seen: u32 = 0;
  if (!passes(0x7b)) leave();
  if (passes(0x7d)) return seen;
  do {
    text();
    const field = fieldOf();
    if (!isPlain || field == 0 || (seen & field) != 0 || !passes(0x3a)) {
      leave();
      return seen;
    }
    seen |= field;
    readField(field);
    if (!isPlain) return seen;
  } while (passes(0x2c));
  if (!passes(0x7d)) leave();
  return seen;
}

function readField(field: u32): void {
  switch (field) {
    case EVENT_ID:
      text();
      eventIdAt = textAt;
      eventIdLength = textLength;
      return;
    case SOURCE:
      text();
      sourceAt = textAt;
      sourceLength = textLength;
      return;
    case USER_ID:
      text();
      userAt = textAt;
      userLength = textLength;
      return;
    case PROVIDER:
      text();
      providerAt = textAt;
      providerLength = textLength;
      return;
    case MODEL:
      text();
      modelAt = textAt;
      modelLength = textLength;
      return;
    case TEAM:
      if (passesWord('null')) return;
      text();
      teamAt = textAt;
      teamLength = textLength;
      return;
    case SESSION_ID:
      if (passesWord('null')) return;
      text();
      sessionAt = textAt;
      sessionLength = textLength;
      return;
    case REVISION:
      revision = optionalDigits();
      return;
    case RETRACTED:
      retracted = passesWord('true');
      if (!retracted && !passesWord('false') && !passesWord('null')) leave();
      return;
    case OCCURRED_AT:
      readTime();
      return;
    case TOKENS:
      readTokens();
      return;
    case COST:
      if (passesWord('null')) return;
      hasCost = true;
      cost = digits();
      return;
    case STATUS:
      readStatus();
      return;
    case ORIGIN:
      readOrigin();
      return;
    default:
      readAttributes();
  }
}

function readStatus(): void {
  if (passesWord('null')) return;
  text();
  if (textIs('ok')) status = 0;
  else if (textIs('error')) status = 1;
  else if (textIs('cancelled')) status = 2;
  else leave();
}

function readOrigin(): void {
  if (passesWord('null')) return;
  text();
  if (textIs('main')) origin = 0;
  else if (textIs('subagent')) origin = 1;
  else if (textIs('auxiliary')) origin = 2;
  else if (textIs('unknown')) origin = 3;
  else leave();
}

/** Token classes as bits: whether they were there. */
function readTokens(): void {
  if (!passes(0x7b)) return leave();
  if (passes(0x7d)) return;
  let seen: u32 = 0;
  do {
    text();
    const nameAt = textAt;
    const nameLength = textLength;
    if (!isPlain || !passes(0x3a)) return leave();
    const count = optionalDigits();
    let bit: u32 = 0;
    if (isAt(nameAt, nameLength, 'input')) {
      input = count;
      bit = 1;
    } else if (isAt(nameAt, nameLength, 'output')) {
      output = count;
      bit = 2;
    } else if (isAt(nameAt, nameLength, 'cache_read')) {
      cacheRead = count;
      bit = 4;
    } else if (isAt(nameAt, nameLength, 'cache_write_5m')) {
      cacheWrite5m = count;
      bit = 8;
    } else if (isAt(nameAt, nameLength, 'cache_write_1h')) {
      cacheWrite1h = count;
      bit = 16;
    } else if (isAt(nameAt, nameLength, 'cache_write')) {
      cacheWrite = count;
      bit = 32;
    } else if (isAt(nameAt, nameLength, 'reasoning')) {
      reasoning = count;
      bit = 64;
    }
    if (!isPlain || bit == 0 || (seen & bit) != 0) return leave();
    seen |= bit;
  } while (passes(0x2c));
  if (!passes(0x7d)) leave();
}

/** Texts by name, kept in the order of the canonical form, that of their names' bytes. */
function readAttributes(): void {
  if (passesWord('null')) return;
  if (!passes(0x7b)) return leave();
  if (passes(0x7d)) return;
  do {
    text();
    const nameAt = textAt;
    const nameLength = textLength;
    if (!isPlain || !passes(0x3a)) return leave();
    text();
    if (!isPlain || attributeCount == MAX_ATTRIBUTES) return leave();
    let place = attributes + <usize>attributeCount * 16;
    while (place > attributes) {
      const before = place - 16;
      const order = compare(load<u32>(before), load<u32>(before, 4), nameAt, nameLength);
      if (order == 0) return leave();
      if (order < 0) break;
      memory.copy(place, before, 16);
      place = before;
    }
    store<u32>(place, <u32>nameAt);
    store<u32>(place, nameLength, 4);
    store<u32>(place, <u32>textAt, 8);
    store<u32>(place, textLength, 12);
    attributeCount += 1;
  } while (passes(0x2c));
  if (!passes(0x7d)) leave();
}

function compare(a: usize, aLength: u32, b: usize, bLength: u32): i32 {
  const order = memory.compare(a, b, min(aLength, bLength));
  return order != 0 ? order : <i32>aLength - <i32>bLength;
}

/** Two digits. */
function pair(from: usize): u32 {
  const tens = <u32>load<u8>(from) - 0x30;
  const ones = <u32>load<u8>(from + 1) - 0x30;
  if (tens > 9 || ones > 9) leave();
  return tens * 10 + ones;
}

/** Whole milliseconds since the epoch, or `2026-09-21T11:59:59.5Z` with up to nine digits of a second; other forms are left. */
function readTime(): void {
  skipSpace();
  if (at < end && load<u8>(at) != 0x22) {
    time = digits();
    return;
  }
  text();
  if (!isPlain || textLength < 20 || load<u8>(textAt + textLength - 1) != 0x5a) return leave();
  const from = textAt;
  const hasMarks =
    load<u8>(from + 4) == 0x2d &&
    load<u8>(from + 7) == 0x2d &&
    load<u8>(from + 10) == 0x54 &&
    load<u8>(from + 13) == 0x3a &&
    load<u8>(from + 16) == 0x3a;
  const year = pair(from) * 100 + pair(from + 2);
  const month = pair(from + 5);
  const day = pair(from + 8);
  const hour = pair(from + 11);
  const minute = pair(from + 14);
  const second = pair(from + 17);
  let ms: u32 = 0;
  if (textLength > 20) {
    const fraction = textLength - 21;
    if (load<u8>(from + 19) != 0x2e || fraction == 0 || fraction > 9) return leave();
    for (let index: u32 = 0; index < fraction; index += 1) {
      const digit = <u32>load<u8>(from + 20 + index) - 0x30;
      if (digit > 9) return leave();
      if (index < 3) ms = ms * 10 + digit;
    }
    for (let index = fraction; index < 3; index += 1) ms *= 10;
  }
  if (!hasMarks || year < 2020 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return leave();
  if (hour > 23 || minute > 59 || second > 59) return leave();
  const seconds = daysSinceEpoch(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
  time = <u64>seconds * 1000 + ms;
}

function daysIn(year: u32, month: u32): u32 {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/** Years begin with March here, so that leap days are at their ends (Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
function daysSinceEpoch(year: u32, month: u32, day: u32): u64 {
  const y = month <= 2 ? year - 1 : year;
  const era = y / 400;
  const yearOfEra = y % 400;
  const dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
  return <u64>era * 146097 + dayOfEra - 719468;
}
