import type { Touched } from '@laurel/ingest';
import type { LedgerEntry, TogetherPorts } from '@laurel/stream';
import { Counter, Histogram, type Registry } from 'prom-client';

export class IngestMetrics {
  private readonly records: Counter<'topic' | 'outcome'>;
  private readonly deadLetters: Counter<'topic' | 'code'>;
  private readonly seconds: Histogram;

  constructor(registry: Registry) {
    const registers = [registry];
    this.records = new Counter({
      name: 'laurel_ingest_records_total',
      help: 'Records by topic and what became of them; duplicates are those within one batch and are among the stored',
      labelNames: ['topic', 'outcome'],
      registers,
    });
    this.deadLetters = new Counter({
      name: 'laurel_dead_letters_total',
      help: 'Records that were dead-lettered, by topic and code; a repeated batch counts again',
      labelNames: ['topic', 'code'],
      registers,
    });
    this.seconds = new Histogram({
      name: 'laurel_ingest_batch_seconds',
      help: 'From a batch in hand to its ledger entry',
      buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
      registers,
    });
  }

  onBatch({ topic, rows, duplicates, dead, erased }: LedgerEntry, seconds: number): void {
    this.records.inc({ topic, outcome: 'stored' }, rows);
    this.records.inc({ topic, outcome: 'duplicate' }, duplicates);
    this.records.inc({ topic, outcome: 'dead' }, dead);
    this.records.inc({ topic, outcome: 'erased' }, erased);
    this.seconds.observe(seconds);
  }

  /** The same ports, with the codes of dead letters counted. */
  counting(ports: TogetherPorts<Touched>): TogetherPorts<Touched> {
    return {
      store: (batch, signal) => ports.store(batch, signal),
      storeTogether: (batches, signal) => ports.storeTogether(batches, signal),
      keepDeadLetters: async (batch, rejected) => {
        await ports.keepDeadLetters(batch, rejected);
        for (const { fault } of rejected) this.deadLetters.inc({ topic: batch.topic, code: fault.code });
      },
      announce: (touched) => ports.announce(touched),
      record: (entries) => ports.record(entries),
    };
  }
}
