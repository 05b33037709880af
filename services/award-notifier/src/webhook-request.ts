import { awardJson, type PeopleDirectory } from '@laurel/policy';
import type { LoggedAward } from '@laurel/titles';
import { Webhook } from 'standardwebhooks';

/** What is posted to an endpoint. */
export interface EndpointRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * An award as the API gives it, signed as Standard Webhooks says (standardwebhooks.com, "Webhook metadata" and "Signature
 * scheme": HMAC-SHA256 of `id.timestamp.body`, one signature for each secret, with blanks between). `webhook-id` is the
 * award's id in every attempt, so a receiver knows a repeat by it.
 *
 * @param sentAtMs is signed too, in seconds; receivers refuse what is older than some minutes.
 */
export function webhookRequest(
  logged: LoggedAward,
  people: PeopleDirectory,
  secrets: readonly string[],
  sentAtMs: number,
): EndpointRequest {
  const id = logged.award.award_id;
  const sentAt = new Date(sentAtMs);
  const body = JSON.stringify(awardJson(logged, people));
  return {
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(sentAtMs / 1000)),
      'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, sentAt, body)).join(' '),
    },
    body,
  };
}
