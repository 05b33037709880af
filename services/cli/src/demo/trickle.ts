import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { noTokens, type TokenCounts, type UsageRecorded } from '@laurel/events';
import type { Publisher } from '@laurel/publisher';
import type { Cast, DemoModel, DemoUser } from './cast.js';
import { at, pickAt } from './draw.js';
import { PROVENANCE_ATTRIBUTES, TRICKLE_SOURCE } from './provenance.js';

interface LiveSession extends DemoModel {
  readonly session_id: string;
  readonly user: DemoUser;
  requestsLeft: number;
  /** Tokens of the conversation so far, which the next request reads from the cache. */
  contextTokens: number;
}

const LIVE_SESSIONS = 6;
const MAX_REQUESTS = 6;

/**
 * Invents a few people at work. Sessions last some minutes and counts are tiny, about 150 tokens a request, so that the
 * board moves a little, but the recording still decides the titles after hours of it.
 */
export class TrickleEvents {
  private readonly live: LiveSession[] = [];
  private readonly cast: Cast;
  private readonly runId: string;
  private readonly random: () => number;
  private events = 0;
  private sessions = 0;

  /**
   * @param runId begins all ids of events and sessions, so that no two runs share one.
   * @param random in [0, 1)
   */
  constructor(cast: Cast, runId: string, random: () => number) {
    this.cast = cast;
    this.runId = runId;
    this.random = random;
  }

  /** One request of one of the live sessions. */
  next(nowMs: number): UsageRecorded {
    while (this.live.length < LIVE_SESSIONS) this.live.push(this.begin());
    const session = at(this.live, this.below(this.live.length));
    session.requestsLeft -= 1;
    if (session.requestsLeft === 0) this.live.splice(this.live.indexOf(session), 1);
    this.events += 1;
    return {
      event_id: `${this.runId}-${this.events}`,
      source: TRICKLE_SOURCE,
      revision: 0,
      retracted: false,
      occurred_at: nowMs,
      user_id: session.user.user_id,
      team: session.user.team,
      session_id: session.session_id,
      provider: session.provider,
      model: session.model,
      tokens: this.tokens(session),
      cost_micro_usd: null,
      status: 'ok',
      origin: 'main',
      attributes: PROVENANCE_ATTRIBUTES,
    };
  }

  private begin(): LiveSession {
    const user = at(this.cast.users, pickAt(this.random(), this.cast.activity));
    const leanings = user.favourites.map((favourite) => favourite.leaning);
    const { provider, model } = at(user.favourites, pickAt(this.random(), leanings));
    this.sessions += 1;
    return {
      session_id: `${this.runId}-session-${this.sessions}`,
      user,
      provider,
      model,
      requestsLeft: 1 + this.below(MAX_REQUESTS),
      contextTokens: 0,
    };
  }

  private tokens(session: LiveSession): TokenCounts {
    const asked = 10 + this.below(50);
    const output = 5 + this.below(40);
    const cache_read = session.contextTokens;
    session.contextTokens += asked + output;
    // Anthropic's cache is written on request and reported; with the others new input is plain.
    const input = session.provider === 'anthropic' ? { cache_write_5m: asked } : { input: asked };
    return { ...noTokens, ...input, cache_read, output };
  }

  private below(limit: number): number {
    return Math.floor(this.random() * limit);
  }
}

export interface TrickleOptions {
  /** Ends the trickle. */
  readonly signal: AbortSignal;
  /** On average; above 0, at most 5. Default 0.5. */
  readonly eventsPerSecond?: number | undefined;
}

const MAX_EVENTS_PER_SECOND = 5;

/**
 * Records an invented event now and then until `signal` is aborted, and resolves to how many there were. While the
 * publisher has no room (Kafka is away) nothing is invented. Rejects with the publisher's error when an event is refused.
 */
export async function trickle(
  cast: Cast,
  publisher: Pick<Publisher, 'record' | 'full'>,
  { signal, eventsPerSecond = 0.5 }: TrickleOptions,
): Promise<number> {
  if (!(eventsPerSecond > 0 && eventsPerSecond <= MAX_EVENTS_PER_SECOND)) {
    throw new RangeError(`eventsPerSecond is not above 0 and at most ${MAX_EVENTS_PER_SECOND}`);
  }
  const invented = new TrickleEvents(cast, randomUUID(), Math.random);
  let recorded = 0;
  while (await waited((1_000 / eventsPerSecond) * (0.5 + Math.random()), signal)) {
    if (publisher.full) continue;
    const result = publisher.record(invented.next(Date.now()));
    if (!result.accepted) throw result.error;
    recorded += 1;
  }
  return recorded;
}

/** False when the signal ended the wait. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await pause(ms, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
