import { join } from 'node:path';
import { decodeUsage, topics, usageReaderForSchema, usageRecorded, type UsageReader } from '@laurel/events';
import { readToEnd } from '@laurel/kafka';
import type { Publishers } from '../traffic/publishers.js';
import { REFUSED_MARK, SERIAL_HEADER, states } from '../traffic/record-book.js';
import { SCHEMA_ID } from '../world/registry.js';
import type { World } from '../world/world.js';
import { again } from './again.js';
import { Comparison, type CheckResult } from './differences.js';
import { Ledger } from './ledger.js';
import { Spool } from './spool.js';

/** The log as it was read, committed records only, and what follows from it. */
export interface Log {
  readonly records: number;
  /** Records of events that count, duplicates among them. */
  readonly valid: number;
  /** The codes of the records that are not to be stored, by `partition/offset`. */
  readonly dead: ReadonlyMap<string, string>;
  /** Offsets that no reader is given: transaction markers, aborted records. */
  readonly gaps: number;
  readonly partitions: number;
  readonly spool: Spool;
  readonly checks: readonly CheckResult[];
}

function ourReader(): UsageReader {
  const reader = usageReaderForSchema(JSON.stringify(usageRecorded.type.schema({ exportAttrs: true })));
  if (!reader.ok) throw new Error(reader.fault.message);
  return reader.value;
}

/** Reads `usage.events.v1` from its beginning to its end, and holds it against what was acknowledged and against the ledger. */
export async function readLog(world: World, { book, sdkSerials }: Publishers): Promise<Log> {
  const ledger = await again(() => Ledger.read(world));
  const spool = new Spool(join(world.folder, 'log'), Spool.lotsFor(book.size));
  const reader = ourReader();
  const schemas = { byRegistryId: (id: number) => (id === SCHEMA_ID ? reader : ('unknown' as const)) };
  const found = new Uint8Array(book.size);
  const dead = new Map<string, string>();
  const next = new Map<number, number>();
  const coverage = new Comparison('the ledger covers every record of the log');
  const codes = new Comparison('each record has the fault that it was made with');
  let [records, valid, gaps] = [0, 0, 0];
  await readToEnd(world.kafka, {
    topic: world.topic(topics.usageEvents.name),
    groupPrefix: `${world.prefix}chaos-log-`,
    onRecord: (record, partition) => {
      const { offset, value, headers } = record;
      records += 1;
      gaps += offset - (next.get(partition) ?? 0);
      next.set(partition, offset + 1);
      const place = `${partition}/${offset}`;
      coverage.add(!ledger.covers(partition, offset) && `${place} is in no range of the ledger`);
      const decoded = decodeUsage(record, schemas);
      if ('needsSchema' in decoded) throw new Error(`${place} needs schema ${decoded.needsSchema}`);
      const isRefused = decoded.ok && decoded.value.event_id.startsWith(REFUSED_MARK);
      const code = decoded.ok ? (isRefused ? 'storage_rejected' : undefined) : decoded.fault.code;
      const header = headers[SERIAL_HEADER];
      const serial =
        header === undefined
          ? decoded.ok
            ? sdkSerials.get(decoded.value.event_id)
            : undefined
          : Buffer.from(header).readUInt32BE();
      if (serial === undefined) codes.add(`${place} was published by nobody`);
      else {
        codes.add(
          code !== book.codeOf(serial) && `${place}: made ${book.codeOf(serial) ?? 'valid'}, is ${code ?? 'valid'}`,
        );
        if (header === undefined || book.isIntact(serial, value)) found[serial] = 1;
      }
      if (code !== undefined) dead.set(place, code);
      else if (decoded.ok) {
        valid += 1;
        spool.add(decoded.value);
      }
    },
  });
  const acknowledged = new Comparison('every acknowledged record is in the log, unchanged');
  const aborted = new Comparison('no record of an aborted transaction is in the log');
  for (let serial = 0; serial < book.size; serial += 1) {
    const state = book.stateOf(serial);
    if (state === states.acknowledged) acknowledged.add(found[serial] === 0 && `record ${serial} is missing`);
    if (state === states.aborted) aborted.add(found[serial] === 1 && `record ${serial} is there`);
  }
  const checks = [acknowledged, aborted, codes, coverage].map((one) => one.result);
  return { records, valid, dead, gaps, partitions: next.size, spool, checks };
}
