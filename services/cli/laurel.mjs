#!/usr/bin/env node
// npm links a command only to a file that is there when it installs, which is before anything is built.
import { existsSync } from 'node:fs';

const main = new URL('./dist/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write('laurel is not built yet: run npm run build\n');
  process.exitCode = 1;
}
