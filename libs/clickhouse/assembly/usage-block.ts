// From Avro and JSON to a block of ClickHouse's Native format, without a value of JavaScript in between. What it does not take as
// plainly valid it leaves to `decodeUsage` in libs/events, which says why it is not, or brings it into canonical form.
// Beside this module stands src/usage-block.ts, which owns its memory and is the only one to call it.

import { ATTRIBUTES_BYTES, bodyOfJson, MAX_JSON_BODY_BYTES, MAX_JSON_BYTES } from './usage-json';
import { xxh64 } from './xxh64';

// Bounds of what is valid: `usageLimits` of libs/events. A test holds the two against each other.
const MAX_ID_BYTES: u32 = 256;
const MAX_COUNT: u64 = 1 << 40;
const MAX_COST: u64 = 1 << 50;
const MAX_REVISION: u64 = 0x7fffffff;
const MAX_ATTRIBUTES: u64 = 32;
const MAX_ATTRIBUTE_BYTES: u32 = 8192;
const MIN_OCCURRED_AT_MS: u64 = 1577836800000;
const MAX_AHEAD_MS: u64 = 86400000;

const TOKEN_CLASSES: i32 = 7;
const TOKENS_OUTPUT: i32 = 5;
const TOKENS_REASONING: i32 = 6;

// Of single-object encoding: the marker and the fingerprint.
const HEADER_BYTES: usize = 10;
const MARKER: u16 = 0x01c3;
let fingerprint: u64 = 0;

// What is exported is read by src/usage-block.ts.

// Columns of fixed width: one region each, of so many bytes a row.
export let occurredAt: usize = 0;
export let version: usize = 0;
export let revision: usize = 0;
export let retracted: usize = 0;
export let status: usize = 0;
export let origin: usize = 0;
export let tokens: usize = 0;
export let costIsNull: usize = 0;
export let cost: usize = 0;
export let attributeSizes: usize = 0;
export let offsets: usize = 0;
export let recordedAt: usize = 0;
// Columns of text: a region and how far it is filled.
export let userId: usize = 0;
export let userIdEnd: usize = 0;
export let eventId: usize = 0;
export let eventIdEnd: usize = 0;
export let sessionId: usize = 0;
export let sessionIdEnd: usize = 0;
export let attributeNames: usize = 0;
export let attributeNamesEnd: usize = 0;
export let attributeValues: usize = 0;
export let attributeValuesEnd: usize = 0;
let attributeCount: u64 = 0;

/** A column of few texts: each text once, and for each row which of them it has. */
@unmanaged
class Dictionary {
  // These four are read by src/usage-block.ts: 4 bytes a row; the texts and how far they go; how many there are.
  indexes: usize;
  texts: usize;
  textsEnd: usize;
  count: u32;
  // Of each text where it lies and how long it is.
  entries: usize;
  // Open addressing: the number of a text and one; 0 stands for an empty place.
  places: usize;
  // The row's before, as texts come in runs.
  lastIndex: u32;
  lastAt: usize;
  lastLength: u32;
}
const DICTIONARY_BYTES: i32 = 36;
export const source: usize = memory.data(DICTIONARY_BYTES);
export const team: usize = memory.data(DICTIONARY_BYTES);
export const provider: usize = memory.data(DICTIONARY_BYTES);
export const model: usize = memory.data(DICTIONARY_BYTES);

let capacity: u32 = 0;
export let rows: u32 = 0;
// Of bodies, in bytes: their texts fit into the columns for as long as these are not more than was asked for.
let bodyCapacity: usize = 0;
let bodyBytes: usize = 0;
export let duplicates: u32 = 0;
export let oldestMs: f64 = Infinity;

// Open addressing; 0 stands for an empty place.
let tableMask: usize = 0;
let identities: usize = 0;
let minuteTable: usize = 0;
let userTable: usize = 0;
// Lists: minutes since the epoch; of each distinct user, where the row's text is in its column.
export let minutes: usize = 0;
export let minuteCount: u32 = 0;
let lastMinute: u32 = 0;
export let users: usize = 0;
export let userCount: u32 = 0;
// Where the records are in the input that were not taken of it.
export let left: usize = 0;
export let leftCount: u32 = 0;
let input: usize = 0;
// Where JSON becomes Avro.
let jsonBody: usize = 0;
let jsonAttributes: usize = 0;

export function setFingerprint(low: u32, high: u32): void {
  fingerprint = ((<u64>high) << 32) | low;
}

// In 64 bits, so that it does not come round to 0.
let next: u64 = 0;
function region(bytes: u64): usize {
  const at = next;
  // 8 bytes more, as texts are copied by words.
  next = (at + bytes + 15) & ~7;
  return <usize>at;
}

/**
 * Begins a block of at most `maxRows` rows from at most `textBytes` bytes of bodies, read in pieces of at most `inputBytes`.
 * A text takes no more room in its column than in its body, so each column's region is as long as all bodies are; pages that
 * nothing is written to cost nothing.
 *
 * @returns where the input goes; 0 when there is no memory.
 */
export function begin(maxRows: u32, textBytes: u32, inputBytes: u32): usize {
  capacity = maxRows;
  bodyCapacity = textBytes;
  bodyBytes = 0;
  rows = 0;
  duplicates = 0;
  oldestMs = Infinity;
  minuteCount = 0;
  lastMinute = 0;
  userCount = 0;
  attributeCount = 0;

  const n = <u64>maxRows;
  // What is absent in a body still has its length in the column.
  const text = <u64>textBytes + n;
  next = __heap_base;
  input = region(inputBytes);
  occurredAt = region(n * 8);
  version = region(n * 16);
  revision = region(n * 4);
  retracted = region(n);
  status = region(n);
  origin = region(n);
  tokens = region(n * 8 * TOKEN_CLASSES);
  costIsNull = region(n);
  cost = region(n * 8);
  attributeSizes = region(n * 8);
  offsets = region(n * 8);
  recordedAt = region(n * 8);
  userIdEnd = userId = region(text);
  eventIdEnd = eventId = region(text);
  sessionIdEnd = sessionId = region(text);
  attributeNamesEnd = attributeNames = region(text);
  attributeValuesEnd = attributeValues = region(text);
  minutes = region(n * 4);
  users = region(n * 4);
  left = region(n * 4);
  jsonBody = region(MAX_JSON_BODY_BYTES);
  jsonAttributes = region(ATTRIBUTES_BYTES);
  let places: u64 = 16;
  while (places < n * 2) places <<= 1;
  tableMask = <usize>(places - 1);
  layOut(source, n, text, places);
  layOut(team, n, text, places);
  layOut(provider, n, text, places);
  layOut(model, n, text, places);
  identities = region(places * 8);
  minuteTable = region(places * 8);
  userTable = region(places * 8);

  // Beyond this a pointer would be negative to JavaScript.
  if (next > 0x7fff0000) return 0;
  const missing = <i32>((next + 0xffff) >> 16) - memory.size();
  if (missing > 0 && memory.grow(missing) < 0) return 0;
  memory.fill(identities, 0, <usize>places * 8);
  memory.fill(minuteTable, 0, <usize>places * 8);
  memory.fill(userTable, 0, <usize>places * 8);
  empty(source);
  empty(team);
  empty(provider);
  empty(model);
  return input;
}

function layOut(column: usize, n: u64, text: u64, places: u64): void {
  const own = changetype<Dictionary>(column);
  own.indexes = region(n * 4);
  own.texts = region(text);
  own.entries = region(n * 8);
  own.places = region(places * 4);
}

function empty(column: usize): void {
  const own = changetype<Dictionary>(column);
  own.textsEnd = own.texts;
  own.count = 0;
  memory.fill(own.places, 0, (tableMask + 1) * 4);
}

/** Gives a row its text. */
function pushRepeated(column: usize, row: usize, textAt: usize, length: u32): void {
  const own = changetype<Dictionary>(column);
  const isAsBefore = own.count > 0 && own.lastLength == length && memory.compare(own.lastAt, textAt, length) == 0;
  if (!isAsBefore) own.lastIndex = indexOf(own, textAt, length);
  store<u32>(own.indexes + row * 4, own.lastIndex);
}

/** Which text it is, which is then the last. A new one is added. */
function indexOf(own: Dictionary, textAt: usize, length: u32): u32 {
  own.lastLength = length;
  let place = (<usize>xxh64(textAt, textAt + length, 0)) & tableMask;
  for (;;) {
    const found = load<u32>(own.places + place * 4);
    if (found == 0) break;
    const entry = own.entries + <usize>(found - 1) * 8;
    if (load<u32>(entry, 4) == length && memory.compare(load<u32>(entry), textAt, length) == 0) {
      own.lastAt = load<u32>(entry);
      return found - 1;
    }
    place = (place + 1) & tableMask;
  }
  own.textsEnd = push(own.textsEnd, textAt, length);
  own.lastAt = own.textsEnd - length;
  const entry = own.entries + <usize>own.count * 8;
  store<u32>(entry, <u32>own.lastAt);
  store<u32>(entry, length, 4);
  own.count += 1;
  store<u32>(own.places + place * 4, own.count);
  return own.count - 1;
}

// The cursor over one body, and whether it is still plainly valid.
let at: usize = 0;
let isPlain: bool = true;

/** A number of Avro in its shortest form and not negative; anything else is not plain. */
function long(): u64 {
  let byte: u64 = load<u8>(at);
  at += 1;
  let value = byte & 0x7f;
  let shift: u64 = 7;
  while (byte >= 0x80) {
    byte = load<u8>(at);
    at += 1;
    value |= (byte & 0x7f) << shift;
    shift += 7;
    if (byte == 0 || shift > 63) {
      isPlain = false;
      return 0;
    }
  }
  if ((value & 1) != 0) isPlain = false;
  return value >> 1;
}

// Texts of the body: where they begin and how long they are.
let textAt: usize = 0;
let textLength: u32 = 0;

/** A text of `least` to `most` bytes of ASCII, which is valid UTF-8 for sure. */
function text(end: usize, least: u32, most: u32, isTrusted: bool): void {
  const length = long();
  textAt = at;
  if (length < least || length > most || at + <usize>length > end) {
    isPlain = false;
    textLength = 0;
    return;
  }
  textLength = <u32>length;
  at += textLength;
  if (!isTrusted && !isAscii(textAt, at)) isPlain = false;
}

/** A text or none, which then has no bytes. */
function optionalText(end: usize, isTrusted: bool): void {
  const branch = long();
  textLength = 0;
  if (branch > 1) isPlain = false;
  else if (branch == 1) text(end, 1, MAX_ID_BYTES, isTrusted);
}

function isAscii(from: usize, to: usize): bool {
  let high: u64 = 0;
  for (; from + 8 <= to; from += 8) high |= load<u64>(from);
  for (; from < to; from += 1) high |= load<u8>(from);
  return (high & 0x8080808080808080) == 0;
}

function contains(from: usize, to: usize, byte: u8): bool {
  for (; from < to; from += 1) if (load<u8>(from) == byte) return true;
  return false;
}

/** Appends a length in groups of 7 bits and the bytes; may write up to 7 bytes too many, which the next text overwrites. */
function push(to: usize, from: usize, length: u32): usize {
  let rest = length;
  for (; rest >= 0x80; rest >>= 7) {
    store<u8>(to, rest | 0x80);
    to += 1;
  }
  store<u8>(to, rest);
  to += 1;
  if (length > 64) {
    memory.copy(to, from, length);
  } else {
    for (let done: u32 = 0; done < length; done += 8) store<u64>(to + done, load<u64>(from + done));
  }
  return to + length;
}

/** Whether the attributes' names are in the order of the canonical form, which is JavaScript's where none begins with a digit. */
function isBefore(a: usize, aLength: u32, b: usize, bLength: u32): bool {
  const order = memory.compare(a, b, min(aLength, bLength));
  return order < 0 || (order == 0 && aLength < bLength);
}

/**
 * One body from `from` to `end` as a row, when it is plainly valid and canonical.
 *
 * @param isTrusted it is known to be both: it was written by us from an event that was validated.
 * @returns whether it was taken.
 */
function take(from: usize, end: usize, offset: f64, timestampMs: f64, isTrusted: bool): bool {
  if (rows == capacity || bodyBytes + (end - from) > bodyCapacity) return false;
  at = from;
  isPlain = true;
  text(end, 1, MAX_ID_BYTES, isTrusted);
  const eventIdAt = textAt;
  const eventIdLength = textLength;
  text(end, 1, MAX_ID_BYTES, isTrusted);
  const sourceAt = textAt;
  const sourceLength = textLength;
  const identityEnd = at;
  const revisionValue = long();
  const retractedValue = load<u8>(at);
  at += 1;
  const timeAt = at;
  const time = long();
  text(end, 1, MAX_ID_BYTES, isTrusted);
  const userAt = textAt;
  const userLength = textLength;
  const userEnd = at;
  if (!isPlain || at > end || revisionValue > MAX_REVISION || retractedValue > 1) return false;
  if (!isTrusted) {
    if (contains(userAt, userEnd, 0x40)) return false;
    if (time < MIN_OCCURRED_AT_MS || <f64>time > timestampMs + <f64>MAX_AHEAD_MS) return false;
  }

  optionalText(end, isTrusted);
  const teamAt = textAt;
  const teamLength = textLength;
  optionalText(end, isTrusted);
  const sessionAt = textAt;
  const sessionLength = textLength;
  text(end, 1, MAX_ID_BYTES, isTrusted);
  const providerAt = textAt;
  const providerLength = textLength;
  text(end, 1, MAX_ID_BYTES, isTrusted);
  const modelAt = textAt;
  const modelLength = textLength;
  if (!isPlain || at > end) return false;

  const row = <usize>rows;
  const stride = <usize>capacity * 8;
  let output: u64 = 0;
  for (let index: i32 = 0; index < TOKEN_CLASSES; index += 1) {
    const value = long();
    if (value > MAX_COUNT) return false;
    if (index == TOKENS_OUTPUT) output = value;
    if (index == TOKENS_REASONING && value > output) return false;
    store<u64>(tokens + <usize>index * stride + row * 8, value);
  }
  const costBranch = long();
  let costValue: u64 = 0;
  if (costBranch > 1) return false;
  if (costBranch == 1) {
    costValue = long();
    if (costValue > MAX_COST) return false;
  }
  const statusValue = long();
  const originValue = long();
  if (statusValue > 2 || originValue > 3) return false;

  // Nothing of these is kept unless the whole body is taken.
  let namesEnd = attributeNamesEnd;
  let valuesEnd = attributeValuesEnd;
  const entries = long();
  if (!isPlain || entries > MAX_ATTRIBUTES || at > end) return false;
  if (entries > 0) {
    let bytes: u32 = 0;
    let nameAt: usize = 0;
    let nameLength: u32 = 0;
    for (let entry: u64 = 0; entry < entries; entry += 1) {
      text(end, 0, MAX_ATTRIBUTE_BYTES, isTrusted);
      if (!isPlain) return false;
      if (!isTrusted && entries > 1) {
        const digit = textLength > 0 && load<u8>(textAt) >= 0x30 && load<u8>(textAt) <= 0x39;
        if (digit || (entry > 0 && !isBefore(nameAt, nameLength, textAt, textLength))) return false;
      }
      nameAt = textAt;
      nameLength = textLength;
      namesEnd = push(namesEnd, textAt, textLength);
      bytes += textLength;
      text(end, 0, MAX_ATTRIBUTE_BYTES, isTrusted);
      if (!isPlain) return false;
      valuesEnd = push(valuesEnd, textAt, textLength);
      bytes += textLength;
    }
    if (bytes > MAX_ATTRIBUTE_BYTES || long() != 0) return false;
  }
  if (!isPlain || at != end) return false;

  attributeNamesEnd = namesEnd;
  attributeValuesEnd = valuesEnd;
  attributeCount += entries;
  store<u64>(attributeSizes + row * 8, attributeCount);
  store<u8>(costIsNull + row, costBranch == 0);
  store<u64>(cost + row * 8, costValue);
  store<u64>(occurredAt + row * 8, time);
  store<u64>(version + row * 16, xxh64(from, end, 0));
  store<u64>(version + row * 16, revisionValue, 8);
  store<u32>(revision + row * 4, <u32>revisionValue);
  store<u8>(retracted + row, retractedValue);
  store<u8>(status + row, <u8>statusValue + 1);
  store<u8>(origin + row, <u8>originValue + 1);
  store<u64>(offsets + row * 8, <u64>offset);
  store<u64>(recordedAt + row * 8, <u64>(<i64>timestampMs));
  const userPlace = userIdEnd;
  userIdEnd = push(userIdEnd, userAt, userLength);
  pushRepeated(source, row, sourceAt, sourceLength);
  eventIdEnd = push(eventIdEnd, eventIdAt, eventIdLength);
  pushRepeated(team, row, teamAt, teamLength);
  sessionIdEnd = push(sessionIdEnd, sessionAt, sessionLength);
  pushRepeated(provider, row, providerAt, providerLength);
  pushRepeated(model, row, modelAt, modelLength);
  rows += 1;
  bodyBytes += end - from;

  if (timestampMs < oldestMs) oldestMs = timestampMs;
  const minute = <u32>(time / 60000);
  if (minute != lastMinute && isNew(minuteTable, minute)) {
    store<u32>(minutes + <usize>minuteCount * 4, minute);
    minuteCount += 1;
  }
  lastMinute = minute;
  if (isNew(userTable, xxh64(userAt, userEnd, 0))) {
    store<u32>(users + <usize>userCount * 4, <u32>userPlace);
    userCount += 1;
  }
  // Event id and source lie side by side, and so do time and user.
  if (!isNew(identities, xxh64(timeAt, userEnd, xxh64(from, identityEnd, 0)))) duplicates += 1;
  return true;
}

/** Puts a number into one of the tables. @returns whether it was not there yet. */
function isNew(table: usize, value: u64): bool {
  if (value == 0) value = 1;
  let place = (<usize>value) & tableMask;
  for (;;) {
    const found = load<u64>(table + place * 8);
    if (found == value) return false;
    if (found == 0) break;
    place = (place + 1) & tableMask;
  }
  store<u64>(table + place * 8, value);
  return true;
}

/** A number of Kafka's in ZigZag (Kafka protocol guide, "VARLONG"). */
function varlong(): i64 {
  let value: u64 = 0;
  let shift: u64 = 0;
  let byte: u64;
  do {
    byte = load<u8>(at);
    at += 1;
    value |= (byte & 0x7f) << shift;
    shift += 7;
  } while (byte >= 0x80 && shift < 70);
  return (<i64>(value >> 1)) ^ -(<i64>(value & 1));
}

/**
 * The records of one batch of the log, which lie in the input (Kafka protocol guide, "Record").
 *
 * @param length of the input in bytes.
 * @param appendedAtMs NaN where each record has a time of its own.
 * @param firstWanted the least offset of a record that is wanted.
 * @returns how many records were wanted; −1 when the bytes are not what they should be.
 */
export function takeRecords(
  length: u32,
  count: u32,
  baseOffset: f64,
  firstTimestampMs: f64,
  appendedAtMs: f64,
  firstWanted: f64,
): i32 {
  const inputEnd = input + length;
  leftCount = 0;
  let recordAt = input;
  let wanted: i32 = 0;
  for (let index: u32 = 0; index < count; index += 1) {
    if (recordAt >= inputEnd) return -1;
    at = recordAt;
    const size = varlong();
    const end = at + <usize>size;
    if (size < 0 || end > inputEnd) return -1;
    at += 1;
    const delta = varlong();
    const timestampMs = isNaN(appendedAtMs) ? firstTimestampMs + <f64>delta : appendedAtMs;
    const offset = baseOffset + <f64>varlong();
    if (offset >= firstWanted) {
      wanted += 1;
      const keyLength = varlong();
      if (keyLength > <i64>end - <i64>at) return -1;
      if (keyLength > 0) at += <usize>keyLength;
      const valueLength = varlong();
      if (valueLength > <i64>end - <i64>at) return -1;
      const value = at;
      const headers = valueLength > 0 ? value + <usize>valueLength : value;
      if (!takeValue(value, headers, end, offset, timestampMs)) {
        store<u32>(left + <usize>leftCount * 4, <u32>(recordAt - input));
        leftCount += 1;
      }
    }
    recordAt = end;
  }
  return wanted;
}

/** A record's value, which goes up to its headers. */
function takeValue(value: usize, headers: usize, end: usize, offset: f64, timestampMs: f64): bool {
  const length = headers - value;
  if (length > HEADER_BYTES && load<u16>(value) == MARKER && load<u64>(value, 2) == fingerprint) {
    return !tellOfFraming(headers, end, false) && take(value + HEADER_BYTES, headers, offset, timestampMs, false);
  }
  if (length == 0 || length > MAX_JSON_BYTES || load<u8>(value) != 0x7b || tellOfFraming(headers, end, true))
    return false;
  const bodyEnd = bodyOfJson(value, headers, jsonBody, jsonAttributes);
  return bodyEnd != 0 && take(jsonBody, bodyEnd, offset, timestampMs, false);
}

// Names and values of headers, in words that overlap.
const CE_SPECV: u64 = 0x76636570735f6563;
const CVERSION: u64 = 0x6e6f697372657663;
const CONTENT_: u64 = 0x2d746e65746e6f63;
const ENT_TYPE: u64 = 0x657079742d746e65;
const APPLICAT: u64 = 0x746163696c707061;
const ION_JSON: u64 = 0x6e6f736a2f6e6f69;

/**
 * Whether a header says that the record is a CloudEvent: in binary mode the value is its data alone, in structured mode JSON is
 * its envelope. Of JSON every content type is taken for that but plain JSON.
 */
function tellOfFraming(headers: usize, end: usize, isJson: bool): bool {
  at = headers;
  for (let count = varlong(); count > 0 && at < end; count -= 1) {
    const length = varlong();
    if (length > <i64>end - <i64>at) return true;
    if (length == 14 && load<u64>(at) == CE_SPECV && load<u64>(at, 6) == CVERSION) return true;
    const isContentType = length == 12 && load<u64>(at) == CONTENT_ && load<u64>(at, 4) == ENT_TYPE;
    at += <usize>max<i64>(length, 0);
    const valueLength = varlong();
    if (valueLength > <i64>end - <i64>at) return true;
    if (isJson && isContentType && !isPlainJson(at, valueLength)) return true;
    at += <usize>max<i64>(valueLength, 0);
  }
  return false;
}

/** `application/json`, or that and parameters without a plus sign, which could name another type. */
function isPlainJson(from: usize, length: i64): bool {
  if (length < 16 || load<u64>(from) != APPLICAT || load<u64>(from, 8) != ION_JSON) return false;
  return !contains(from, from + <usize>length, 0x2b);
}

/** One canonical body of a valid event, which lies in the input. @returns whether it was taken: it always should be. */
export function takeBody(length: u32, offset: f64, timestampMs: f64): bool {
  return take(input, input + length, offset, timestampMs, true);
}
