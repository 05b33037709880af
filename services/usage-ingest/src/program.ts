#!/usr/bin/env node
import { runService } from '@laurel/service-host';
import { usageIngest } from './usage-ingest.js';

await runService(usageIngest);
