import type { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import Negotiator from 'negotiator';
import { z } from 'zod';
import { JSON_TYPE } from '../http/endpoint.js';
import { Problem } from '../http/problem.js';
import { arrowOf } from './arrow.js';
import { csvOf } from './csv.js';

export const CSV_TYPE = 'text/csv';
/** Source: IANA's registration application/vnd.apache.arrow.stream; the bytes are Arrow's "IPC Streaming Format". */
export const ARROW_TYPE = 'application/vnd.apache.arrow.stream';

/** As analysts' tools ask for it; see the problem that they get. */
const PARQUET = ['application/vnd.apache.parquet', 'application/parquet', 'application/x-parquet'];

/** What an endpoint with rows offers, the one that is given unless asked otherwise first. */
const OFFERED = [JSON_TYPE, CSV_TYPE, ARROW_TYPE];

export type TableFormat = 'csv' | 'arrow';

/** The content of such an endpoint's answer. */
export const jsonOrTable = (schema: z.ZodType): Readonly<Record<string, z.ZodType>> => ({
  [JSON_TYPE]: schema,
  [CSV_TYPE]: z.string().describe('a row for each entry, under a header of the same names; lists and maps as JSON'),
  [ARROW_TYPE]: z
    .string()
    .describe(
      'an Arrow stream of the same columns: whole numbers as int64 or uint64, times as timestamps, lists and maps as JSON',
    ),
});

/** @throws Problem `not_acceptable` when the client takes none of them. */
export function formatAsked(accept: string | undefined): 'json' | TableFormat {
  const asked = new Negotiator({ headers: accept === undefined ? {} : { accept } });
  switch (asked.mediaType(OFFERED)) {
    case JSON_TYPE:
      return 'json';
    case CSV_TYPE:
      return 'csv';
    case ARROW_TYPE:
      return 'arrow';
    default: {
      const instead = asked.mediaType(PARQUET) === undefined ? '' : ' Whatever reads Parquet reads Arrow.';
      throw new Problem('not_acceptable', `This is given as ${OFFERED.join(' or ')}.${instead}`);
    }
  }
}

export type Row = Readonly<Record<string, unknown>>;

export interface Table {
  /** Of a row. */
  readonly schema: z.ZodObject;
  /** Read as the client takes them. */
  readonly rows: Iterable<Row>;
}

/**
 * A table for an answer, made as fast as the client takes it and no faster.
 *
 * @param name of the file that a browser makes of it.
 */
export function tableFor(reply: FastifyReply, format: TableFormat, name: string, table: Table): Readable {
  const type = format === 'csv' ? `${CSV_TYPE}; charset=utf-8; header=present` : ARROW_TYPE;
  void reply
    .type(type)
    .header('content-disposition', `attachment; filename="${name}.${format === 'csv' ? 'csv' : 'arrows'}"`)
    .header('vary', 'accept');
  return format === 'csv' ? csvOf(table) : arrowOf(table);
}

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
