#!/usr/bin/env node
/** Writes the dashboards as Grafana reads them. The files are kept, so that nobody needs Node to use them. */
import { writeFileSync } from 'node:fs';
import { dashboards } from './index.js';

for (const [name, build] of Object.entries(dashboards)) {
  const file = new URL(`../dashboards/${name}.json`, import.meta.url);
  writeFileSync(file, `${JSON.stringify(build(), null, 2)}\n`);
}
