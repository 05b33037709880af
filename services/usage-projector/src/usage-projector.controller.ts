import { Controller, Inject } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { topics } from '@laurel/events';
import type { Delivery } from '@laurel/kafka';
import { Projector } from './projector.js';

@Controller()
export class UsageProjectorController {
  constructor(@Inject(Projector) private readonly projector: Projector) {}

  @EventPattern(topics.usageStored.name)
  onBatch(@Payload() delivery: Delivery): void {
    this.projector.onBatch(delivery);
  }
}
