#!/usr/bin/env node
import { runService } from '@laurel/service-host';
import { titleAwarder } from './title-awarder.js';

await runService(titleAwarder);
