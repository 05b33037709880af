import type { EndpointRequest } from './webhook-request.js';

/** What became of one attempt. */
export type Answer =
  | { readonly kind: 'acknowledged'; readonly status: number }
  /** No repeat can mend it. */
  | { readonly kind: 'refused'; readonly status: number; readonly message: string }
  /** 410: the endpoint wants nothing more. */
  | { readonly kind: 'gone'; readonly status: 410; readonly message: string }
  | {
      readonly kind: 'failed';
      /** Null without an answer. */
      readonly status: number | null;
      readonly message: string;
      /** How long the endpoint asks to be left alone, in ms; 0 when it does not. */
      readonly retryAfterMs: number;
    };

/** Of an answer's body no more is read. */
const MAX_ANSWER_BYTES = 4096;
const MAX_MESSAGE_CHARACTERS = 300;
/** Nobody is left alone for longer because of one answer. */
const MAX_RETRY_AFTER_MS = 3_600_000;

/** Client errors that pass: Request Timeout, Too Early, Too Many Requests (RFC 9110, RFC 8470, RFC 6585). */
const PASSING = new Set([408, 425, 429]);

/**
 * One attempt. Redirects are not followed: what is signed for one place is not for another. Connections are kept and used
 * again. No message names the URL, which may be secret.
 *
 * @param timeoutMs for the whole of it.
 * @throws only when the signal aborts.
 */
export async function post(
  url: string,
  { headers, body }: EndpointRequest,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Answer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: { 'user-agent': 'laurel-award-notifier', ...headers },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeout]),
    });
  } catch (error) {
    signal.throwIfAborted();
    const message = timeout.aborted ? `no answer within ${timeoutMs} ms` : `no connection: ${causeOf(error)}`;
    return { kind: 'failed', status: null, message, retryAfterMs: 0 };
  }
  const { status } = response;
  const text = await beginningOf(response);
  // The status is the answer, whatever becomes of the body.
  if (response.ok) return { kind: 'acknowledged', status };
  signal.throwIfAborted();
  const message = `answered ${status}${text === '' ? '' : `: ${text}`}`;
  if (status === 410) return { kind: 'gone', status, message };
  if (status >= 400 && status < 500 && !PASSING.has(status)) return { kind: 'refused', status, message };
  return {
    kind: 'failed',
    status,
    message,
    retryAfterMs: retryAfterMs(response.headers.get('retry-after'), Date.now()),
  };
}

/** The code of what lies behind `fetch failed`, such as ECONNREFUSED. */
function causeOf(error: unknown): string {
  for (let cause = error; typeof cause === 'object' && cause !== null; cause = 'cause' in cause ? cause.cause : null)
    if ('code' in cause) return String(cause.code);
  return 'unknown';
}

/** The first characters of a body as one line. Where it is short it is read to its end, so that the connection can be kept. */
async function beginningOf({ body }: Response): Promise<string> {
  if (body === null) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    // Leaving the loop ends the connection.
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) break;
    }
  } catch {
    // The status came, and what there is of the body is only for a person.
  }
  const text = new TextDecoder().decode(Buffer.concat(chunks).subarray(0, MAX_ANSWER_BYTES));
  return text
    .replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
    .slice(0, MAX_MESSAGE_CHARACTERS);
}

/**
 * Seconds, or an HTTP date (RFC 9110, 10.2.3); at most an hour, and 0 where it says neither.
 */
export function retryAfterMs(header: string | null, nowMs: number): number {
  if (header === null) return 0;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}
