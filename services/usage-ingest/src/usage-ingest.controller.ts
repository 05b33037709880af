import { Controller, Inject } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { topics } from '@laurel/events';
import type { Touched } from '@laurel/ingest';
import type { Delivery } from '@laurel/kafka';
import { GatheringAcceptor, lastOffset, type RetryPolicy, type TogetherPorts } from '@laurel/stream';
import { IngestMetrics } from './ingest-metrics.js';

export const RETRY_POLICY = Symbol('retry policy');
/** The batch loop's ports of each topic. */
export const USAGE_PORTS = Symbol('usage ports');
export const OUTCOME_PORTS = Symbol('outcome ports');

@Controller()
export class UsageIngestController {
  private readonly usage: GatheringAcceptor<Touched>;
  private readonly outcomes: GatheringAcceptor<Touched>;

  constructor(
    @Inject(USAGE_PORTS) usage: TogetherPorts<Touched>,
    @Inject(OUTCOME_PORTS) outcomes: TogetherPorts<Touched>,
    @Inject(IngestMetrics) private readonly metrics: IngestMetrics,
    @Inject(RETRY_POLICY) policy: RetryPolicy,
  ) {
    this.usage = new GatheringAcceptor(metrics.counting(usage), policy);
    this.outcomes = new GatheringAcceptor(metrics.counting(outcomes), policy);
  }

  @EventPattern(topics.usageEvents.name)
  onUsage(@Payload() delivery: Delivery): Promise<void> {
    return this.onBatch(delivery, this.usage);
  }

  @EventPattern(topics.usageOutcomes.name)
  onOutcomes(@Payload() delivery: Delivery): Promise<void> {
    return this.onBatch(delivery, this.outcomes);
  }

  /** Steps 1 to 4 are the acceptor's; the commit is step 5, and the last. */
  private async onBatch(delivery: Delivery, acceptor: GatheringAcceptor<Touched>): Promise<void> {
    const { batch } = delivery;
    const began = performance.now();
    const entry = await acceptor.accept(batch, delivery);
    this.metrics.onBatch(entry, (performance.now() - began) / 1000);
    await delivery.commit(lastOffset(batch) + 1);
  }
}
