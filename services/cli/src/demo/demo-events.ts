import { noTokens, type TokenCounts, type UsageOrigin, type UsageRecorded, type UsageStatus } from '@laurel/events';
import { castOf, type DemoModel, type DemoUser } from './cast.js';
import { at, draw, pick } from './draw.js';
import { PROVENANCE_ATTRIBUTES, TRACE_SOURCE } from './provenance.js';
import { deriveTrace, type TraceRequest, type TracedRequest } from './trace.js';

/** Six different people hold the six titles with it, each well ahead of the next, whatever the anchor. */
export const DEFAULT_SEED = 'laurel-16';

export interface DemoOptions {
  /** Decides everything that is invented. */
  readonly seed: string;
  /** The latest instant at which anything happened, ms since the epoch, UTC; events reach back 29 UTC days before its own. */
  readonly anchorMs: number;
}

interface DemoSession extends DemoModel {
  readonly session_id: string;
  readonly user: DemoUser;
  /** From the recording's time to the demo's, ms. */
  readonly shiftMs: number;
}

export const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const WINDOW_DAYS = 30;

const WEEKDAY_WEIGHT = 10;
const WEEKEND_WEIGHT = 2;
/** How busy the UTC hours of a day are, from 0 on. */
const HOUR_WEIGHTS = [1, 1, 1, 1, 1, 2, 3, 6, 10, 12, 12, 11, 9, 11, 12, 12, 10, 8, 5, 4, 3, 2, 2, 1];

const ORIGINS: readonly UsageOrigin[] = ['main', 'subagent', 'auxiliary'];
const ORIGIN_WEIGHTS = [88, 8, 4];
const STATUSES: readonly UsageStatus[] = ['ok', 'error', 'cancelled'];
const STATUS_WEIGHTS = [96, 2, 2];

/**
 * The recording as usage events, in its own order: semi-synthetic, as users, teams, models and dates are invented.
 * The same trace, seed and anchor give the same events; docs/reference/demo-data.md describes them exactly.
 */
export function demoEvents(trace: readonly TraceRequest[], options: DemoOptions): UsageRecorded[] {
  const requests = deriveTrace(trace);
  const sessions = assignSessions(requests, options);
  return requests.map((request) => eventOf(request, at(sessions, request.session), options.seed));
}

function assignSessions(requests: readonly TracedRequest[], { seed, anchorMs }: DemoOptions): DemoSession[] {
  const { users, activity } = castOf(seed);
  const bySession: { readonly first: TracedRequest; lastMs: number }[] = [];
  for (const request of requests) {
    const session = bySession[request.session];
    if (session === undefined) bySession[request.session] = { first: request, lastMs: request.timestampMs };
    else session.lastMs = request.timestampMs;
  }
  return bySession.map(({ first, lastMs }, session) => {
    const user = at(users, pick(`${seed}/session-user/${session}`, activity));
    const leanings = user.favourites.map((favourite) => favourite.leaning);
    const { provider, model } = at(user.favourites, pick(`${seed}/session-model/${session}`, leanings));
    const startMs = drawStart(`${seed}/session-start/${session}`, anchorMs, lastMs - first.timestampMs);
    return { session_id: `session-${first.line}`, user, provider, model, shiftMs: startMs - first.timestampMs };
  });
}

/** Draws until the session is over by the anchor. */
function drawStart(label: string, anchorMs: number, durationMs: number): number {
  const firstDay = Math.floor(anchorMs / DAY_MS) - (WINDOW_DAYS - 1);
  const dayWeights = Array.from({ length: WINDOW_DAYS }, (_, offset) => weightOfDay(firstDay + offset));
  for (let attempt = 0; ; attempt += 1) {
    const day = firstDay + pick(`${label}/${attempt}/day`, dayWeights);
    const hour = pick(`${label}/${attempt}/hour`, HOUR_WEIGHTS);
    const startMs = day * DAY_MS + hour * HOUR_MS + Math.floor(draw(`${label}/${attempt}/ms`) * HOUR_MS);
    if (startMs + durationMs <= anchorMs) return startMs;
  }
}

function weightOfDay(day: number): number {
  const weekday = new Date(day * DAY_MS).getUTCDay();
  return weekday === 0 || weekday === 6 ? WEEKEND_WEIGHT : WEEKDAY_WEIGHT;
}

function eventOf(request: TracedRequest, session: DemoSession, seed: string): UsageRecorded {
  const { line } = request;
  return {
    event_id: `line-${line}`,
    source: TRACE_SOURCE,
    revision: 0,
    retracted: false,
    occurred_at: request.timestampMs + session.shiftMs,
    user_id: session.user.user_id,
    team: session.user.team,
    session_id: session.session_id,
    provider: session.provider,
    model: session.model,
    tokens: tokensOf(request, session.provider),
    cost_micro_usd: null,
    status: at(STATUSES, pick(`${seed}/status/${line}`, STATUS_WEIGHTS)),
    origin: at(ORIGINS, pick(`${seed}/origin/${line}`, ORIGIN_WEIGHTS)),
    attributes: PROVENANCE_ATTRIBUTES,
  };
}

/** With an unbounded cache all input is either read from it or new to it. Anthropic reports, and prices, the latter as writes. */
function tokensOf(request: TracedRequest, provider: string): TokenCounts {
  const fresh = request.cacheWriteTokens;
  return {
    ...noTokens,
    cache_read: request.cacheReadTokens,
    ...(provider === 'anthropic' ? { cache_write_5m: fresh } : { input: fresh }),
    output: request.outputTokens,
  };
}
