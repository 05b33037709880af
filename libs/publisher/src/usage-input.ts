import {
  reject,
  usageFromJson,
  validateUsage,
  type Checked,
  type DeadLetterCode,
  type Fault,
  type TokenCounts,
  type UsageEvent,
  type UsageOrigin,
  type UsageStatus,
} from '@laurel/events';
import { newEventId } from './event-id.js';
import type { MappedUsage } from './providers/mapped.js';

/** What tells one event from another, and one outcome. To revise or retract one, repeat all four. */
export interface UsageIdentity {
  readonly source: string;
  readonly event_id: string;
  readonly user_id: string;
  /** Milliseconds since the epoch, UTC. */
  readonly occurred_at: number;
}

/** A moment: milliseconds since the epoch, RFC 3339 text, or a Date. */
export type Moment = number | string | Date;

/** What a model call and an outcome have both. */
export interface EventDetails {
  /** A stable pseudonym, never an e-mail address; 1 to 256 bytes. Of one person the same in both. */
  readonly user_id: string;
  /** Unique within the source; give the provider's own id, the commit's hash or the request's number where there is one. Default: a new UUID version 7. */
  readonly event_id?: string | undefined;
  /** The publishing tool or forge. Default: the publisher's `source`. */
  readonly source?: string | undefined;
  /** When it was; from 2020 to 24 h ahead of the broker's clock. Default: now. */
  readonly occurred_at?: Moment | undefined;
  /** A later version of the same event has a higher one. Default 0. */
  readonly revision?: number | undefined;
  /** As a retraction has it that was handed back; to make one, call `retract()` or `retractOutcome()`. Default false. */
  readonly retracted?: boolean | undefined;
  readonly team?: string | null | undefined;
  readonly session_id?: string | null | undefined;
  /** At most 32 entries, 8 KiB in all. */
  readonly attributes?: Readonly<Record<string, string>> | undefined;
}

/** One model call, but for its tokens. */
export interface UsageDetails extends EventDetails {
  /** The model's id as the provider names it; 1 to 256 bytes. */
  readonly model: string;
  /** As reported, in millionths of a US dollar. */
  readonly cost_micro_usd?: number | null | undefined;
  /** Default ok. */
  readonly status?: UsageStatus | undefined;
  /** main: asked for by the person; subagent: by an agent for them; auxiliary: the tool's own. Default unknown. */
  readonly origin?: UsageOrigin | undefined;
}

/** Tokens counted by hand; classes that are left out are 0. */
export interface CountedUsage {
  readonly provider: string;
  readonly tokens: Partial<TokenCounts>;
  readonly fault?: undefined;
}

/** What `record()` takes: the details, and the tokens as `fromAnthropic` and the others map them or counted by hand. */
export type UsageInput = UsageDetails & (CountedUsage | MappedUsage);

/** The identity of what is retracted, and a revision above the one it had. */
export interface RetractedIdentity {
  readonly event_id: string;
  readonly user_id: string;
  readonly occurred_at: Moment;
  /** Above the event's own revision; 1 or more. */
  readonly revision: number;
  /** Default: the publisher's `source`. */
  readonly source?: string | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
}

/** What `retract()` takes. */
export interface Retraction extends RetractedIdentity {
  readonly provider?: string | undefined;
  readonly model?: string | undefined;
}

/** A fault of an event or of a provider's usage object. */
export interface InputFault extends Omit<Fault, 'code'> {
  readonly code: DeadLetterCode | 'usage_mismatch';
}

export type CheckedInput<E> = Exclude<Checked<E>, { ok: false }> | { readonly ok: false; readonly fault: InputFault };

const NOT_AN_OBJECT = reject('wrong_type', 'a usage event is an object');

export const timeOf = (moment: Moment | undefined, nowMs: number): number | string =>
  moment === undefined ? nowMs : moment instanceof Date ? moment.getTime() : moment;

/** Fills in the defaults, then applies the very checks that ingest applies. */
export function usageEvent(input: UsageInput, source: string, nowMs: number): CheckedInput<UsageEvent> {
  if (!isObject(input)) return NOT_AN_OBJECT;
  if (input.fault !== undefined) return { ok: false, fault: input.fault };
  // Field by field: spreading the input costs as much as all the checks.
  const read = usageFromJson({
    event_id: input.event_id ?? newEventId(nowMs),
    source: input.source ?? source,
    revision: input.revision,
    retracted: input.retracted,
    occurred_at: timeOf(input.occurred_at, nowMs),
    user_id: input.user_id,
    team: input.team,
    session_id: input.session_id,
    provider: input.provider,
    model: input.model,
    tokens: input.tokens,
    cost_micro_usd: input.cost_micro_usd,
    status: input.status,
    origin: input.origin,
    attributes: input.attributes,
  });
  return read.ok ? validateUsage(read.value, nowMs) : read;
}

/** A retraction is an event without tokens; its provider and model are not looked at. */
export function retractionEvent(input: Retraction, source: string, nowMs: number): CheckedInput<UsageEvent> {
  if (!isObject(input)) return NOT_AN_OBJECT;
  if (!(input.revision >= 1)) return NO_REVISION;
  const read = usageFromJson({
    ...input,
    source: input.source ?? source,
    occurred_at: repeatedTime(input.occurred_at),
    provider: input.provider ?? 'unknown',
    model: input.model ?? 'unknown',
    tokens: {},
    retracted: true,
  });
  return read.ok ? validateUsage(read.value, nowMs) : read;
}

export const NO_REVISION = reject(
  'count_out_of_range',
  'a retraction has a revision above that of its event, so 1 or more',
  'revision',
);

/** Without a default: a retraction that repeats another time takes nothing out. */
export const repeatedTime = (moment: Moment): number | string => (moment instanceof Date ? moment.getTime() : moment);

export const isObject = (input: unknown): boolean => typeof input === 'object' && input !== null;
