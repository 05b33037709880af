import { undelivered, type Undelivered } from '@laurel/events';

/** The record that asked for a delivery: an award, or a wish that one be delivered again. */
export interface DeliverySource {
  /** Without its prefix. */
  readonly topic: string;
  readonly offset: number;
}

/** Names one delivery to one endpoint: the key of `titles.undelivered.v1`. */
export type DeliveryKey = string & { readonly brand: 'DeliveryKey' };

/** @param endpoint its name, which has no slash. */
export const deliveryKey = (endpoint: string, { topic, offset }: DeliverySource): DeliveryKey =>
  `${endpoint}/${topic}/${offset}` as DeliveryKey;

export const keyOfUndelivered = ({ endpoint, source_topic, source_offset }: Undelivered): DeliveryKey =>
  deliveryKey(endpoint, { topic: source_topic, offset: source_offset });

/** A record of `titles.undelivered.v1`, as far as it is looked at here. */
export interface UndeliveredRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Readonly<Record<string, Uint8Array | undefined>>;
}

/** On a wish: the award's offset on `titles.awards.v1`, in decimal digits. */
const AWARD_OFFSET = 'award-offset';
/** On a wish: the award in single-object encoding. */
const AWARD = 'award';

/** A wish that an award be delivered again to an endpoint. */
export interface RedeliveryWish {
  readonly endpoint: string;
  readonly awardOffset: number;
  /** An AwardEvent in single-object encoding. */
  readonly award: Uint8Array;
}

/**
 * The record that asks for a letter's award to be delivered again, and says by its being there that the letter is done with:
 * the letter's key and no value. So the two can't come apart.
 */
export function redeliveryWish(letter: Undelivered): {
  readonly key: string;
  readonly value: null;
  readonly headers: Readonly<Record<string, string | Uint8Array>>;
} {
  return {
    key: keyOfUndelivered(letter),
    value: null,
    headers: { [AWARD_OFFSET]: String(letter.award_offset), [AWARD]: letter.award },
  };
}

/** Undefined when the record is no wish. */
export function readRedeliveryWish({ key, value, headers }: UndeliveredRecord): RedeliveryWish | undefined {
  const [offset, award] = [headers[AWARD_OFFSET], headers[AWARD]];
  if (value !== null || key === null || offset === undefined || award === undefined) return undefined;
  const [endpoint = ''] = textOf(key).split('/', 1);
  return { endpoint, awardOffset: Number(textOf(offset)), award };
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/**
 * The letters of `titles.undelivered.v1`, each once, in the order of their first coming. One that is written again after a
 * crash, or asked for more than once, is one letter.
 */
export class UndeliveredFold {
  private readonly letters = new Map<DeliveryKey, Undelivered>();
  private readonly asked = new Set<DeliveryKey>();

  /** @throws Error when the value is no letter of this schema: nobody else writes to the topic. */
  take(record: UndeliveredRecord): void {
    if (record.value !== null) {
      const letter = undelivered.decode(record.value);
      this.letters.set(keyOfUndelivered(letter), letter);
    } else if (record.key !== null) this.asked.add(textOf(record.key) as DeliveryKey);
  }

  /** Whether a delivery was given up, asked for again since or not. */
  has(key: DeliveryKey): boolean {
    return this.letters.has(key);
  }

  /** Those that were not asked for again. */
  open(): readonly Undelivered[] {
    return [...this.letters].flatMap(([key, letter]) => (this.asked.has(key) ? [] : [letter]));
  }
}
