import { pipeline, Readable } from 'node:stream';
import { stringify } from 'csv-stringify';
import type { FastifyReply } from 'fastify';
import Negotiator from 'negotiator';
import { z } from 'zod';
import { JSON_TYPE } from './endpoint.js';
import { Problem } from './problem.js';

export const CSV_TYPE = 'text/csv';

/** As analysts' tools ask for it; see `refuseParquet`. */
const COLUMNAR = ['application/vnd.apache.parquet', 'application/parquet', 'application/x-parquet'];
const ARROW = ['application/vnd.apache.arrow.stream', 'application/vnd.apache.arrow.file'];

/** What an endpoint with rows offers, the one that is given unless asked otherwise first. */
const OFFERED = [JSON_TYPE, CSV_TYPE];

export type Format = 'json' | 'csv';

/** The content of such an endpoint's answer. */
export const jsonOrCsv = (schema: z.ZodType): Readonly<Record<string, z.ZodType>> => ({
  [JSON_TYPE]: schema,
  [CSV_TYPE]: z.string().describe('a row for each entry, under a header of the same names; lists and maps as JSON'),
});

/** @throws Problem `not_acceptable` when the client takes neither. */
export function formatAsked(accept: string | undefined): Format {
  const asked = new Negotiator({ headers: accept === undefined ? {} : { accept } });
  const type = asked.mediaType(OFFERED);
  if (type !== undefined) return type === CSV_TYPE ? 'csv' : 'json';
  const columnar = asked.mediaType([...COLUMNAR, ...ARROW]);
  throw new Problem(
    'not_acceptable',
    columnar === undefined
      ? `This is given as ${OFFERED.join(' or ')}.`
      : `This is given as ${OFFERED.join(' or ')}. ClickHouse writes ${columnar}, but it knows neither handles nor how exactly each person wants to be seen: both are applied after it has answered.`,
  );
}

export interface Table {
  readonly columns: readonly string[];
  /** Read as the client takes them. */
  readonly rows: Iterable<Readonly<Record<string, unknown>>>;
}

/**
 * A table as CSV (RFC 4180) for an answer, made as fast as the client takes it and no faster. A text that a spreadsheet would take for a
 * formula gets a quote before it: handles and teams are what people wrote.
 *
 * @param name of the file that a browser makes of it.
 */
export function csvFor(reply: FastifyReply, name: string, { columns, rows }: Table): Readable {
  const csv = stringify({
    header: true,
    columns: [...columns],
    record_delimiter: 'windows',
    escape_formulas: true,
    cast: { object: (value) => JSON.stringify(value), boolean: String },
  });
  void reply
    .type(`${CSV_TYPE}; charset=utf-8; header=present`)
    .header('content-disposition', `attachment; filename="${name}.csv"`)
    .header('vary', 'accept');
  return pipeline(Readable.from(rows), csv, () => undefined);
}

/** The columns of rows that are as this schema says. */
export const columnsOf = (schema: z.ZodObject): readonly string[] => Object.keys(schema.shape);

/** One after the other, without those of which there is nothing to show; at most so many. */
export function* mapped<T, R>(items: Iterable<T>, show: (item: T) => R | undefined, limit = Infinity): Generator<R> {
  let left = limit;
  for (const item of items) {
    const shown = show(item);
    if (shown === undefined) continue;
    yield shown;
    left -= 1;
    if (left <= 0) return;
  }
}
