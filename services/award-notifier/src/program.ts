#!/usr/bin/env node
import { runService } from '@laurel/service-host';
import { awardNotifier } from './award-notifier.js';

await runService(awardNotifier);
