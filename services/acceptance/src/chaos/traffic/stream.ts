import { noTokens, type DeadLetterCode, type UsageRecorded } from '@laurel/events';
import { DAY_MS, HOUR_MS } from '@laurel/usage';
import type { Random } from '../random.js';
import { frame } from './framings.js';
import { poisoned } from './poison.js';

/** A record to be published, without its number. */
export interface Draft {
  readonly key: string;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly code?: DeadLetterCode | undefined;
}

const USERS = 60;
const TEAMS = ['forge', 'harbour', 'loom', 'orchard', null] as const;
const MODELS = [
  ['anthropic', 'claude-sonnet-4-6'],
  ['anthropic', 'claude-haiku-4-5-20251001'],
  ['openai', 'gpt-5'],
  ['openai', 'gpt-5-mini'],
  ['google', 'gemini-3-pro'],
  ['aws', 'us.anthropic.claude-sonnet-4-6-v1:0'],
] as const;
const ORIGINS = ['main', 'main', 'main', 'subagent', 'subagent', 'auxiliary', 'unknown'] as const;
const STATUSES = ['ok', 'ok', 'ok', 'ok', 'ok', 'error', 'cancelled'] as const;

/** How far back late events reach, in days: well within a window of 30. */
const LATE_DAYS = 20;
/** Late events come for a few hours at a time, as those of a tool that was offline do. */
const FOCUS_RECORDS = 5000;
/** So many events are remembered, to come again. */
const MEMORY = 8192;

/** Draws the records of one publisher: the same for the same seed and start, whatever becomes of them. */
export class TrafficStream {
  private serial = 0;
  private readonly recent: UsageRecorded[] = [];
  private readonly late: UsageRecorded[] = [];
  /** Originals whose revision or retraction has come before them. */
  private readonly held: { readonly due: number; readonly event: UsageRecorded }[] = [];
  private focus: readonly number[] = [];

  constructor(
    private readonly name: string,
    private readonly random: Random,
    private readonly startMs: number,
  ) {}

  /** The next record or records, as of a moment that is at least the one before. */
  next(nowMs: number): readonly Draft[] {
    this.serial += 1;
    const [held] = this.held;
    if (held !== undefined && held.due <= this.serial) {
      this.held.shift();
      return [this.draft(held.event)];
    }
    const { random } = this;
    const kind = random.next();
    if (kind < 0.78) return [this.draft(this.remember(this.recent, this.fresh(this.recentMs(nowMs))))];
    if (kind < 0.84) return [this.draft(this.remember(this.late, this.fresh(this.lateMs())))];
    // The same event twice in one batch, and each time in whatever framing.
    if (kind < 0.87) {
      const event = this.remember(this.recent, this.fresh(this.recentMs(nowMs)));
      return [this.draft(event), this.draft(event)];
    }
    if (kind < 0.91) return [this.draft(this.known(this.recent, nowMs))];
    if (kind < 0.93) return [this.draft(this.known(this.late, nowMs))];
    if (kind < 0.96) return [this.draft(this.revised(this.known(random.chance(0.7) ? this.recent : this.late, nowMs)))];
    if (kind < 0.97) return [this.draft(retracted(this.known(this.recent, nowMs)))];
    if (kind < 0.98) return [this.draft(this.contradicting(this.known(this.recent, nowMs)))];
    if (kind < 0.995) return [this.draft(this.ahead(nowMs))];
    const poison = poisoned(this.fresh(nowMs), random);
    return [{ key: `u-${random.below(USERS)}`, ...poison }];
  }

  private draft(event: UsageRecorded): Draft {
    return { key: event.user_id, ...frame(event, this.random) };
  }

  private recentMs(nowMs: number): number {
    return nowMs - this.random.below(2000);
  }

  /** An hour that is closed, in a day of the last weeks; few hours for a while, then others. */
  private lateMs(): number {
    const { random } = this;
    if (this.focus.length === 0 || this.serial % FOCUS_RECORDS === 0) {
      this.focus = [0, 1, 2].map(() => this.startMs - HOUR_MS - random.below(LATE_DAYS * 24) * HOUR_MS);
    }
    return random.pick(this.focus) - random.below(HOUR_MS);
  }

  private fresh(occurredAtMs: number): UsageRecorded {
    const { random } = this;
    const user = random.below(USERS);
    const [provider, model] = random.pick(MODELS);
    return {
      event_id: `${this.name}-${this.serial}`,
      source: `chaos-${this.name}`,
      revision: 0,
      retracted: false,
      occurred_at: occurredAtMs,
      user_id: `u-${user}`,
      team: TEAMS[user % TEAMS.length] ?? null,
      session_id: random.chance(0.1) ? null : `s-${user}-${Math.floor(occurredAtMs / (3 * HOUR_MS))}`,
      provider,
      model,
      tokens: this.tokens(),
      cost_micro_usd: random.chance(0.5) ? random.below(100_000) : null,
      status: random.pick(STATUSES),
      origin: random.pick(ORIGINS),
      attributes: random.chance(0.1) ? { tool: 'editor', version: '1.4' } : {},
    };
  }

  private tokens(): UsageRecorded['tokens'] {
    const { random } = this;
    const output = random.below(400);
    return {
      ...noTokens,
      input: random.below(500),
      cache_read: random.below(1000),
      cache_write_5m: random.below(50),
      output,
      reasoning: random.below(output + 1),
    };
  }

  private remember(list: UsageRecorded[], event: UsageRecorded): UsageRecorded {
    if (list.length < MEMORY) list.push(event);
    else list[this.random.below(MEMORY)] = event;
    return event;
  }

  private known(list: readonly UsageRecorded[], nowMs: number): UsageRecorded {
    return list.length === 0 ? this.fresh(nowMs) : this.random.pick(list);
  }

  private revised(event: UsageRecorded): UsageRecorded {
    return { ...event, revision: event.revision + this.random.between(1, 3), tokens: this.tokens() };
  }

  /** Another content under the same revision: the greater hash wins, whichever came first. */
  private contradicting(event: UsageRecorded): UsageRecorded {
    return { ...event, tokens: this.tokens() };
  }

  /** A revision or retraction whose original comes some hundred records later. */
  private ahead(nowMs: number): UsageRecorded {
    const event = this.fresh(this.random.chance(0.7) ? this.recentMs(nowMs) : this.lateMs());
    this.held.push({ due: this.serial + 500, event });
    return this.random.chance(0.7) ? this.revised(event) : retracted(event);
  }
}

const retracted = (event: UsageRecorded): UsageRecorded => ({
  ...event,
  revision: event.revision + 1,
  retracted: true,
  tokens: noTokens,
});

/** Within an hour of its own, before all late ones: so many there are, then they come again. */
export const lonelyHour = (startMs: number, index: number): number =>
  startMs - (LATE_DAYS + 1) * DAY_MS - (index % (7 * 24)) * HOUR_MS;

/** The start of the UTC day that lies so many days before. */
export const dayBefore = (nowMs: number, days: number): number =>
  Math.floor(nowMs / DAY_MS) * DAY_MS - days * DAY_MS + 12 * HOUR_MS;
