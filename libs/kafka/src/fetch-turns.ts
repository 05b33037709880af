import type { FetchResponse } from './fetch-response.js';

/** What kafkajs asks a broker for, as far as it is looked at here. */
export interface FetchRequest {
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly fetchOffset: string }[];
  }[];
}

/**
 * Whose turn it is. A broker fills its answer in the order of the request until `maxBytes` are reached, and kafkajs always asks in
 * the same order: while there is a backlog, the last partitions would get nothing before the first ones are read to their end.
 * So whoever was answered longest ago comes first, as in Kafka's own client.
 * Source: KIP-74, "Add Fetch Response Size Limit in Bytes", on the order of partitions.
 */
export class FetchTurns {
  /** By topic and partition, the number of the last answer that had records of it. */
  private readonly answered = new Map<string, number>();
  private answers = 0;

  inTurn<R extends FetchRequest>(request: R): R {
    const topics = request.topics
      .map(({ topic, partitions, ...rest }) => {
        const turn = ({ partition }: { readonly partition: number }): number => this.turnOf(topic, partition);
        return { ...rest, topic, partitions: [...partitions].sort((a, b) => turn(a) - turn(b)) };
      })
      .sort((a, b) => this.firstTurnOf(a) - this.firstTurnOf(b));
    return { ...request, topics };
  }

  note({ responses }: Pick<FetchResponse, 'responses'>): void {
    this.answers += 1;
    for (const { topicName, partitions } of responses) {
      for (const { partition, messages } of partitions) {
        if (messages.length > 0) this.answered.set(placeOf(topicName, partition), this.answers);
      }
    }
  }

  private turnOf(topic: string, partition: number): number {
    return this.answered.get(placeOf(topic, partition)) ?? 0;
  }

  private firstTurnOf({ topic, partitions: [first] }: FetchRequest['topics'][number]): number {
    return first === undefined ? 0 : this.turnOf(topic, first.partition);
  }
}

const placeOf = (topic: string, partition: number): string => `${topic}/${partition}`;
