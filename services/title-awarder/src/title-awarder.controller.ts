import { Controller, Inject } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { topics } from '@laurel/events';
import type { Delivery } from '@laurel/kafka';
import { lastOffset } from '@laurel/stream';
import { Awarder } from './awarder.js';

@Controller()
export class TitleAwarderController {
  constructor(@Inject(Awarder) private readonly awarder: Awarder) {}

  /** Committed when an evaluation that saw these projections has ended. */
  @EventPattern(topics.usageProjected.name)
  async onBatch(@Payload() delivery: Delivery): Promise<void> {
    if (await this.awarder.evaluated(delivery.signal)) await delivery.commit(lastOffset(delivery.batch) + 1);
  }
}
