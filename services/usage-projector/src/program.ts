#!/usr/bin/env node
import { runService } from '@laurel/service-host';
import { usageProjector } from './usage-projector.js';

await runService(usageProjector);
