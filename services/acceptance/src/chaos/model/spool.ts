import { appendFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { usageRecorded, validateUsage, type UsageEvent } from '@laurel/events';

const EVENTS_A_LOT = 150_000;
const FLUSH_BYTES = 1 << 20;

/**
 * The valid events of a log, on disk, in lots that fit into memory. All versions of an event are in one lot, as lots are
 * told apart by `CRC32(event_id)`, which ClickHouse computes as well.
 */
export class Spool {
  private readonly pending: Buffer[][];
  private readonly bytes: number[];

  constructor(
    private readonly folder: string,
    readonly lots: number,
  ) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    this.pending = Array.from({ length: lots }, () => []);
    this.bytes = Array.from({ length: lots }, () => 0);
  }

  static lotsFor(events: number): number {
    return Math.max(1, Math.ceil(events / EVENTS_A_LOT));
  }

  add(event: UsageEvent): void {
    const lot = crc32(event.event_id) % this.lots;
    const body = usageRecorded.encode(event);
    const size = Buffer.alloc(4);
    size.writeUInt32LE(body.length);
    this.pending[lot]?.push(size, body);
    this.bytes[lot] = (this.bytes[lot] ?? 0) + body.length;
    if ((this.bytes[lot] ?? 0) > FLUSH_BYTES) this.flush(lot);
  }

  read(lot: number): UsageEvent[] {
    this.flush(lot);
    const events: UsageEvent[] = [];
    const all = readFileSync(this.file(lot));
    for (let at = 0; at < all.length;) {
      const size = all.readUInt32LE(at);
      // The record's own time has been checked already.
      const checked = validateUsage(usageRecorded.decode(all.subarray(at + 4, at + 4 + size)), Infinity);
      if (!checked.ok) throw new Error(`a valid event is none after it was written: ${checked.fault.message}`);
      events.push(checked.value);
      at += 4 + size;
    }
    return events;
  }

  private flush(lot: number): void {
    appendFileSync(this.file(lot), Buffer.concat(this.pending[lot] ?? []));
    this.pending[lot] = [];
    this.bytes[lot] = 0;
  }

  private file(lot: number): string {
    return join(this.folder, `lot-${lot}`);
  }
}
