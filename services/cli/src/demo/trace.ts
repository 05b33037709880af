/** One request of the recording. */
export interface TraceRequest {
  /** Since the start of the recording, ms; ascending. */
  readonly timestampMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** One id for each block of the prompt, in order. An id seen before is a block that was seen before. */
  readonly blockIds: readonly number[];
}

/** A request with what follows from it and those before it. */
export interface TracedRequest {
  /** Its line in the trace, from 1: its identity, as two requests agree in all their figures. */
  readonly line: number;
  readonly timestampMs: number;
  /** Input that an unbounded prefix cache would have held; the rest of the input is written to it. */
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly outputTokens: number;
  /** Numbered from 0 in the order of their first requests. */
  readonly session: number;
}

/** Tokens in one block; a prompt's last block may hold fewer. */
const BLOCK_TOKENS = 512;

/** Fewer blocks in common don't make a session: nearly all requests begin with the same one. */
const MIN_SESSION_BLOCKS = 2;

/** Reads the trace's text, one JSON object a line. Throws on a line of another shape. */
export function parseTrace(text: string): TraceRequest[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line, index) => {
    const request: unknown = JSON.parse(line);
    if (!isRequest(request)) throw new TypeError(`line ${index + 1} of the trace is not a request`);
    return {
      timestampMs: request.timestamp,
      inputTokens: request.input_length,
      outputTokens: request.output_length,
      blockIds: request.hash_ids,
    };
  });
}

interface RawRequest {
  readonly timestamp: number;
  readonly input_length: number;
  readonly output_length: number;
  readonly hash_ids: readonly number[];
}

function isRequest(value: unknown): value is RawRequest {
  if (typeof value !== 'object' || value === null) return false;
  const { timestamp, input_length, output_length, hash_ids } = value as Partial<Record<keyof RawRequest, unknown>>;
  return (
    [timestamp, input_length, output_length].every(Number.isSafeInteger) &&
    Array.isArray(hash_ids) &&
    hash_ids.every(Number.isSafeInteger)
  );
}

/** A prefix of block ids that some request had. */
class Prefix {
  readonly next = new Map<number, Prefix>();
  /** The session of the latest request whose ids without the last one are this prefix. */
  session: number | undefined;
}

/**
 * Derives cache reads and sessions from the prompts' common prefixes, as docs/reference/demo-data.md says.
 * One walk down the tree of all prefixes gives both: how far it was trodden before, and the deepest session on the way.
 */
export function deriveTrace(requests: readonly TraceRequest[]): TracedRequest[] {
  const root = new Prefix();
  let sessions = 0;
  return requests.map((request, index) => {
    const { blockIds, inputTokens } = request;
    let prefix = root;
    let known = 0;
    let session: number | undefined;
    let withoutLast: Prefix | undefined;
    for (const [depth, id] of blockIds.entries()) {
      if (depth === blockIds.length - 1 && depth >= MIN_SESSION_BLOCKS) withoutLast = prefix;
      let next = prefix.next.get(id);
      if (next === undefined) {
        next = new Prefix();
        prefix.next.set(id, next);
      } else {
        known = depth + 1;
        session = next.session ?? session;
      }
      prefix = next;
    }
    session ??= sessions++;
    if (withoutLast !== undefined) withoutLast.session = session;
    const cacheReadTokens = Math.min(BLOCK_TOKENS * known, inputTokens);
    return {
      line: index + 1,
      timestampMs: request.timestampMs,
      cacheReadTokens,
      cacheWriteTokens: inputTokens - cacheReadTokens,
      outputTokens: request.outputTokens,
      session,
    };
  });
}
