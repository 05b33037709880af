import { DashboardBuilder, RowBuilder, type Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { bounded, figure, lines, stacked } from './panels.js';
import { promql } from './sources.js';

const RATE = '$__rate_interval';

/** A part of a histogram's observations, such as 0.99, stayed below this. */
const quantile = (part: number, histogram: string, by: readonly string[] = []): string =>
  `histogram_quantile(${part}, sum by (${['le', ...by].join(', ')}) (rate(${histogram}_bucket[${RATE}])))`;

const half = (histogram: string) => promql(quantile(0.5, histogram), 'half', 'A');
const most = (histogram: string) => promql(quantile(0.99, histogram), '99 of 100', 'B');

/** How Laurel itself is, over its services' metrics. */
export const operations = (): Dashboard =>
  new DashboardBuilder('Laurel: operations')
    .uid('laurel-operations')
    .description('How the services are. What to do about it: docs/operations/running.md.')
    .tags(['laurel'])
    .readonly()
    .time({ from: 'now-6h', to: 'now' })
    .timezone('browser')
    .refresh('30s')
    .withRow(new RowBuilder('Is it well?'))
    .withPanel(
      bounded(
        { title: 'Services away', description: 'Instances whose metrics can’t be read.', unit: 'short', width: 4 },
        1,
        [promql('count(up{job="laurel"} == 0) or vector(0)', 'away')],
      ),
    )
    .withPanel(
      bounded(
        {
          title: 'Behind',
          description:
            'The oldest record that a service has still to read. The broker is asked, so it grows in an outage too.',
          unit: 's',
          width: 4,
        },
        60,
        [promql('max(laurel_consumer_lag_seconds)', 'behind')],
      ),
    )
    .withPanel(
      bounded(
        {
          title: 'Event to figure',
          description: '99 of 100 flushes, from the oldest record in Kafka to its figures.',
          unit: 's',
          width: 4,
        },
        5,
        [promql(quantile(0.99, 'laurel_event_to_projection_seconds'), 'event to figure')],
      ),
    )
    .withPanel(
      bounded(
        {
          title: 'Dead letters',
          description: 'Records that were not valid, in the last hour. A repeated batch counts again.',
          unit: 'short',
          width: 4,
        },
        1,
        [promql('sum(increase(laurel_dead_letters_total[1h])) or vector(0)', 'dead letters')],
      ),
    )
    .withPanel(
      bounded(
        {
          title: 'Drift',
          description: 'Buckets whose figures stay other than the log’s. Anything but 0 is worth a laurel audit.',
          unit: 'short',
          width: 4,
        },
        1,
        [promql('max(laurel_drift_buckets)', 'buckets')],
      ),
    )
    .withPanel(
      figure(
        {
          title: 'Streams',
          description: 'Clients that follow awards, standings or figures now.',
          unit: 'short',
          width: 4,
        },
        [promql('sum(laurel_streams)', 'streams')],
      ),
    )
    .withRow(new RowBuilder('Ingest'))
    .withPanel(
      stacked(
        {
          title: 'Records by outcome',
          description: 'A second. Duplicates are those within one batch, and among the stored.',
          unit: 'cps',
          width: 12,
        },
        [promql(`sum by (outcome) (rate(laurel_ingest_records_total[${RATE}]))`, '{{outcome}}')],
      ),
    )
    .withPanel(
      stacked(
        {
          title: 'Dead letters by code',
          description: 'In five minutes. storage_rejected is always worth a look.',
          unit: 'short',
          width: 12,
        },
        [promql('sum by (code) (increase(laurel_dead_letters_total[5m]))', '{{code}}')],
      ),
    )
    .withPanel(
      lines({ title: 'A batch', description: 'From a batch in hand to its ledger entry.', unit: 's', width: 12 }, [
        half('laurel_ingest_batch_seconds'),
        most('laurel_ingest_batch_seconds'),
      ]),
    )
    .withPanel(
      lines({ title: 'Records behind', description: 'By service and topic.', unit: 'short', width: 12 }, [
        promql('sum by (service, topic) (laurel_consumer_lag_records)', '{{service}}: {{topic}}'),
      ]),
    )
    .withRow(new RowBuilder('Projections and titles'))
    .withPanel(
      lines(
        {
          title: 'Event to figure',
          description: 'From the oldest record of a flush entering Kafka to its figures being readable.',
          unit: 's',
          width: 12,
        },
        [half('laurel_event_to_projection_seconds'), most('laurel_event_to_projection_seconds')],
      ),
    )
    .withPanel(
      lines({ title: 'A flush', description: 'Recomputing what was due of one partition.', unit: 's', width: 12 }, [
        half('laurel_projection_flush_seconds'),
        most('laurel_projection_flush_seconds'),
      ]),
    )
    .withPanel(
      stacked({ title: 'Buckets recomputed', description: 'A second, by grain.', unit: 'cps', width: 8 }, [
        promql(`sum by (grain) (rate(laurel_projection_rolls_total[${RATE}]))`, '{{grain}}'),
      ]),
    )
    .withPanel(
      lines({ title: 'Evaluating every title', description: 'Once.', unit: 's', width: 8 }, [
        half('laurel_title_evaluation_seconds'),
        most('laurel_title_evaluation_seconds'),
      ]),
    )
    .withPanel(
      stacked({ title: 'Awards', description: 'In five minutes.', unit: 'short', width: 8 }, [
        promql('sum by (type) (increase(laurel_awards_total[5m]))', '{{type}}'),
      ]),
    )
    .withPanel(
      lines(
        {
          title: 'Days compared with the log',
          description: 'In an hour, by result: usage-projector looks at one day after the other.',
          unit: 'short',
          width: 12,
        },
        [promql('sum by (result) (increase(laurel_drift_looks_total[1h]))', '{{result}}')],
      ),
    )
    .withPanel(
      lines(
        {
          title: 'Duplicates absorbed',
          description: 'Records stored beyond one for each event. A publisher that sends everything twice shows here.',
          unit: 'short',
          width: 12,
        },
        [promql('max(laurel_duplicates_absorbed)', 'duplicates')],
      ),
    )
    .withRow(new RowBuilder('Outages and deliveries'))
    .withPanel(
      stacked(
        {
          title: 'Attempts repeated',
          description: 'In five minutes: Kafka, ClickHouse or the registry were away.',
          unit: 'short',
          width: 12,
        },
        [promql('sum by (service, step) (increase(laurel_retries_total[5m]))', '{{service}}: {{step}}')],
      ),
    )
    .withPanel(
      lines({ title: 'Streams', description: 'Open ones, by what they follow.', unit: 'short', width: 12 }, [
        promql('sum by (kind) (laurel_streams)', '{{kind}}'),
      ]),
    )
    .withPanel(
      stacked(
        {
          title: 'Deliveries to webhooks',
          description: 'In five minutes, by what became of them.',
          unit: 'short',
          width: 8,
        },
        [promql('sum by (outcome) (increase(laurel_deliveries_total[5m]))', '{{outcome}}')],
      ),
    )
    .withPanel(
      lines(
        { title: 'The oldest award that waits', description: 'By endpoint; 0 when none does.', unit: 's', width: 8 },
        [promql('max by (endpoint) (laurel_oldest_undelivered_award_seconds)', '{{endpoint}}')],
      ),
    )
    .withPanel(
      lines(
        {
          title: 'Endpoints that are gone',
          description: '1 when it answered 410 and nothing more is sent to it.',
          unit: 'short',
          width: 8,
        },
        [promql('max by (endpoint) (laurel_endpoint_held)', '{{endpoint}}')],
      ),
    )
    .withRow(new RowBuilder('Processes'))
    .withPanel(
      lines({ title: 'Processor', description: 'Cores in use.', unit: 'short', width: 8 }, [
        promql(`sum by (service) (rate(process_cpu_seconds_total{job="laurel"}[${RATE}]))`, '{{service}}'),
      ]),
    )
    .withPanel(
      lines({ title: 'Memory', description: 'Resident.', unit: 'bytes', width: 8 }, [
        promql('max by (service) (process_resident_memory_bytes{job="laurel"})', '{{service}}'),
      ]),
    )
    .withPanel(
      lines({ title: 'Event loop', description: 'How long it was kept waiting, 99 of 100.', unit: 's', width: 8 }, [
        promql('max by (service) (nodejs_eventloop_lag_p99_seconds{job="laurel"})', '{{service}}'),
      ]),
    )
    .build();
