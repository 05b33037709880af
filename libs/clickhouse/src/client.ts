import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';

/** How to reach ClickHouse over HTTP. */
export interface ClickHouseConnection {
  /** http:// or https:// with host and port. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** Everything of Laurel's lies in this database. */
  readonly database: string;
  /** Until an answer is complete, in ms; the server gives up then too. Default 120 000, above the longest re-roll. */
  readonly requestTimeoutMs?: number | undefined;
  /** Names the service in ClickHouse's query log. */
  readonly application: string;
}

/** The unmodified client. 64-bit integers come quoted in JSON, so that none is rounded. */
export function connectClickHouse(connection: ClickHouseConnection): ClickHouseClient {
  const requestTimeoutMs = connection.requestTimeoutMs ?? 120_000;
  return createClient({
    url: connection.url,
    username: connection.username,
    password: connection.password,
    database: connection.database,
    application: connection.application,
    request_timeout: requestTimeoutMs,
    max_open_connections: 16,
    keep_alive: { enabled: true },
    // Failures come as errors to those who can act on them; the client need not also print them.
    log: { level: ClickHouseLogLevel.OFF },
    clickhouse_settings: {
      output_format_json_quote_64bit_integers: 1,
      // Statements are answered when they are done, so that what is acknowledged is visible.
      async_insert: 0,
      wait_end_of_query: 1,
      // The server shall not go on with what nobody waits for: a repeat would run beside it.
      max_execution_time: Math.ceil(requestTimeoutMs / 1000),
    },
  });
}
