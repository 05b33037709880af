import { readFileSync, writeFileSync } from 'node:fs';

/*
 * Loaded into a service with `node --import`: its time of day is wrong by what a file says, in ms. The file is read again
 * twice a second, and whoever changed it finds beside it what time the process takes it to be. Timers and `performance.now()` go on as they are, as they do when a machine's clock is set.
 */

const file = process.env['CHAOS_CLOCK_FILE'];
let offsetMs = 0;

function readOffset(): void {
  const before = offsetMs;
  try {
    offsetMs = Number(readFileSync(file ?? '', 'utf8'));
  } catch {
    offsetMs = 0;
  }
  if (offsetMs !== before) writeFileSync(`${file ?? ''}.seen`, String(Date.now()));
}

if (file !== undefined) {
  const RealDate = Date;
  const now = (): number => RealDate.now() + offsetMs;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as Date,
    apply: () => new RealDate(now()).toString(),
    get: (target, key): unknown => (key === 'now' ? now : Reflect.get(target, key)),
  });
  readOffset();
  setInterval(readOffset, 500).unref();
}
