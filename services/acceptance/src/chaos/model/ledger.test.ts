import { connectClickHouse } from '@laurel/clickhouse';
import { kafkaClient } from '@laurel/kafka';
import { Ledger } from './ledger.js';

it('covers what lies in a range, also where ranges overlap, and no hole between them', async () => {
  const url = process.env['LAUREL_TEST_CLICKHOUSE_URL'] ?? '';
  const clickhouse = connectClickHouse({
    url,
    username: 'default',
    password: '',
    database: 'default',
    application: 'test',
  });
  const name = `chaos_ledger_${process.pid}`;
  await clickhouse.command({ query: `CREATE DATABASE ${name}` });
  await clickhouse.close();
  const own = connectClickHouse({ url, username: 'default', password: '', database: name, application: 'test' });
  try {
    await own.command({
      query:
        'CREATE TABLE ingest_ledger (topic String, partition UInt32, from_offset UInt64, to_offset UInt64) ENGINE = Memory',
    });
    await own.command({
      query: `INSERT INTO ingest_ledger VALUES ('x.usage.events.v1', 0, 0, 9), ('x.usage.events.v1', 0, 5, 19),
        ('x.usage.events.v1', 0, 7, 8), ('x.usage.events.v1', 0, 21, 30), ('y.usage.events.v1', 0, 20, 20)`,
    });
    const kafka = kafkaClient({ brokers: ['127.0.0.1:1'], clientId: 'test' });
    const ledger = await Ledger.read({ kafka, clickhouse: own, prefix: 'x.', folder: '' });
    const covered = Array.from({ length: 33 }, (_, offset) => offset).filter((offset) => ledger.covers(0, offset));
    expect(covered).toEqual(Array.from({ length: 31 }, (_, offset) => offset).filter((offset) => offset !== 20));
    expect(ledger.covers(1, 0)).toBe(false);
  } finally {
    await own.command({ query: `DROP DATABASE ${name}` });
    await own.close();
  }
});
