import { Controller, Inject } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { topics } from '@laurel/events';
import { IngestPorts } from '@laurel/ingest';
import type { Delivery } from '@laurel/kafka';
import { acceptBatch, lastOffset, type RetryPolicy } from '@laurel/stream';
import { IngestMetrics } from './ingest-metrics.js';

export const RETRY_POLICY = Symbol('retry policy');

@Controller()
export class UsageIngestController {
  constructor(
    @Inject(IngestPorts) private readonly ports: IngestPorts,
    @Inject(IngestMetrics) private readonly metrics: IngestMetrics,
    @Inject(RETRY_POLICY) private readonly policy: RetryPolicy,
  ) {}

  /** Steps 1 to 4 are `acceptBatch`'s; the commit is step 5, and the last. */
  @EventPattern(topics.usageEvents.name)
  async onBatch(@Payload() delivery: Delivery): Promise<void> {
    const { batch } = delivery;
    const began = performance.now();
    const entry = await acceptBatch(batch, this.metrics.counting(this.ports), this.policy, delivery);
    this.metrics.onBatch(entry, (performance.now() - began) / 1000);
    await delivery.commit(lastOffset(batch) + 1);
  }
}
