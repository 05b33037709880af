#!/usr/bin/env node
import { runService } from '@laurel/service-host';
import { api } from './api.js';

await runService(api);
