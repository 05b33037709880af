import { setTimeout as sleep } from 'node:timers/promises';
import type { Undelivered } from '@laurel/events';
import { keepTrying } from '@laurel/stream';
import type { LoggedAward } from '@laurel/titles';
import type { AwardView } from './award-view.js';
import type { Endpoint } from './endpoints.js';
import { post, type Answer } from './post.js';
import { slackRequest } from './slack-request.js';
import { webhookRequest, type EndpointRequest } from './webhook-request.js';

export interface ReceiverOptions {
  /** Of one attempt, in ms. */
  readonly timeoutMs: number;
  /** An award is given up when it is this old, in ms, but not before it was tried for ten minutes. */
  readonly giveUpAfterMs: number;
}

export interface ReceiverEvents {
  onAttempt(endpoint: string, answer: Answer, seconds: number): void;
  /** An attempt failed and will be repeated. */
  onFailed(endpoint: string, awardId: string, message: string, attempt: number): void;
  onHeld(endpoint: string, awardId: string, message: string): void;
}

/** How a delivery ended. */
export type DeliveryEnd =
  | { readonly kind: 'acknowledged'; readonly attempts: number }
  | ({ readonly kind: 'undelivered' } & Pick<Undelivered, 'code' | 'status' | 'message' | 'attempts'>)
  /** The signal aborted; nobody knows whether the last attempt arrived. */
  | { readonly kind: 'aborted' };

/** What was down for long is not to lose all that waited at the first attempt after, in ms. */
const LEAST_TRIAL_MS = 600_000;
/** Longest wait between two attempts, in ms. */
const MAX_DELAY_MS = 300_000;

/** One endpoint, and how it is doing. Outages are waited out here, so that nothing of it shows to other endpoints. */
export class Receiver {
  private held = false;
  /** The endpoint asked for no attempt before this, in ms. */
  private notBeforeMs = 0;
  /** When Kafka took each award that is being delivered now, in ms; there may be two with one time. */
  private readonly waiting = new Map<symbol, number>();

  constructor(
    private readonly endpoint: Endpoint,
    private readonly view: AwardView,
    private readonly options: ReceiverOptions,
    private readonly events: ReceiverEvents,
  ) {}

  /** It answered 410 Gone: nothing more is sent by this process. */
  get isHeld(): boolean {
    return this.held;
  }

  get isDelivering(): boolean {
    return this.waiting.size > 0;
  }

  /** The age of the oldest award that is being delivered, in seconds; 0 when none is. */
  oldestSeconds(nowMs: number): number {
    return this.isDelivering ? Math.max(0, nowMs - Math.min(...this.waiting.values())) / 1000 : 0;
  }

  /**
   * Posts until the endpoint has acknowledged or refused the award, the award is too old, or the signal aborts. While the
   * endpoint is held it only waits for the signal.
   *
   * @param writtenAtMs when Kafka took the record that asks for it.
   */
  async deliver(logged: LoggedAward, writtenAtMs: number, signal: AbortSignal): Promise<DeliveryEnd> {
    const { giveUpAfterMs } = this.options;
    const giveUpAtMs = Math.max(writtenAtMs + giveUpAfterMs, Date.now() + Math.min(giveUpAfterMs, LEAST_TRIAL_MS));
    const { name } = this.endpoint;
    const awardId = logged.award.award_id;
    let attempts = 0;
    const attempt = async (): Promise<DeliveryEnd> => {
      await this.mayBeTried(signal);
      attempts += 1;
      const answer = await this.postOnce(logged, signal);
      switch (answer.kind) {
        case 'acknowledged':
          return { kind: 'acknowledged', attempts };
        case 'refused':
          return { kind: 'undelivered', code: 'refused', status: answer.status, message: answer.message, attempts };
        case 'gone':
          this.held = true;
          this.events.onHeld(name, awardId, answer.message);
          throw new NotDelivered(answer.message);
        case 'failed':
          this.notBeforeMs = Math.max(this.notBeforeMs, Date.now() + answer.retryAfterMs);
          if (Date.now() >= giveUpAtMs)
            return { kind: 'undelivered', code: 'expired', status: answer.status, message: answer.message, attempts };
          throw new NotDelivered(answer.message);
        default:
          return answer satisfies never;
      }
    };
    const place = Symbol();
    this.waiting.set(place, writtenAtMs);
    try {
      return await keepTrying(
        'deliver',
        attempt,
        {
          classify: (error) => (error instanceof NotDelivered ? 'retriable' : 'fatal'),
          maxDelayMs: MAX_DELAY_MS,
          onOutage: (_, { message }, count) => {
            if (!this.held) this.events.onFailed(name, awardId, message, count);
          },
        },
        signal,
      );
    } catch (error) {
      if (signal.aborted) return { kind: 'aborted' };
      throw error;
    } finally {
      this.waiting.delete(place);
    }
  }

  /** Resolves when the endpoint bears an attempt. */
  private async mayBeTried(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.held) await new Promise((_, reject) => signal.addEventListener('abort', reject, { once: true }));
    const restMs = this.notBeforeMs - Date.now();
    if (restMs > 0) await sleep(restMs, undefined, { signal });
  }

  private async postOnce(logged: LoggedAward, signal: AbortSignal): Promise<Answer> {
    const began = performance.now();
    const answer = await post(this.endpoint.url, this.request(logged), this.options.timeoutMs, signal);
    this.events.onAttempt(this.endpoint.name, answer, (performance.now() - began) / 1000);
    return answer;
  }

  private request(logged: LoggedAward): EndpointRequest {
    switch (this.endpoint.format) {
      case 'standard-webhooks':
        return webhookRequest(logged, this.view.people, this.endpoint.secrets, Date.now());
      case 'slack':
        return slackRequest(logged.award, this.view);
      default:
        return this.endpoint satisfies never;
    }
  }
}

/** To be tried again. */
class NotDelivered extends Error {}
