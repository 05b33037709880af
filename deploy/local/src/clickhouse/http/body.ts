import { closeSync, openSync, writeSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { pipeline, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { ServerException } from '../exception.js';
import { parseStatement, type InsertStatement, type Statement } from '../sql/statement.js';

/** A statement, with its rows spooled to a file where it has rows. */
export type Received =
  | { readonly statement: Exclude<Statement, InsertStatement> }
  | { readonly statement: InsertStatement; readonly file: string; readonly compression: string };

/** An INSERT's head is looked for in so many first bytes of a body; a longer one is read whole. */
const HEAD_BYTES = 64 * 1024;

/**
 * Receives the whole request. Nothing has reached the engine before the body has arrived to its end, so an aborted
 * request inserts nothing.
 *
 * @param newFile gives the path for an INSERT's rows; the caller removes the file, also after an error.
 * @throws ServerException when the statement is not one that can be run.
 */
export async function receive(
  req: IncomingMessage,
  { urlQuery, bodyCompression }: { urlQuery: string; bodyCompression: string },
  newFile: () => string,
): Promise<Received> {
  if (urlQuery !== '') return receiveAfterUrl(req, urlQuery, bodyCompression, newFile);
  const body = chunksOf(unpacked(req, bodyCompression));
  const head = await readAtLeast(body, HEAD_BYTES);
  // One character a byte, so that offsets are those of the bytes.
  const insert = /^\s*(?:insert|--|\/\*|#)/i.test(head.toString('latin1')) ? tryInsert(head) : undefined;
  if (insert !== undefined) {
    const file = await spool(newFile, [head.subarray(insert.dataStart)], body);
    return { statement: parseInsertHead(head.subarray(0, insert.dataStart)), file, compression: 'none' };
  }
  const text = Buffer.concat([head, await readAtLeast(body, Infinity)]).toString('utf8');
  return withoutRows(parseStatement(text));
}

async function receiveAfterUrl(
  req: IncomingMessage,
  urlQuery: string,
  compression: string,
  newFile: () => string,
): Promise<Received> {
  const statement = parseStatement(urlQuery);
  if (statement.kind !== 'insert') {
    const rest = await readAtLeast(chunksOf(unpacked(req, compression)), Infinity);
    return withoutRows(rest.length === 0 ? statement : parseStatement(`${urlQuery}\n${rest.toString('utf8')}`));
  }
  const first = urlQuery.slice(statement.dataStart);
  if (first.trim() === '') return { statement, file: await spool(newFile, [], chunksOf(req)), compression };
  const body = chunksOf(unpacked(req, compression));
  return { statement, file: await spool(newFile, [Buffer.from(`${first}\n`)], body), compression: 'none' };
}

function withoutRows(statement: Statement): Received {
  if (statement.kind !== 'insert') return { statement };
  throw new ServerException(62, 'SYNTAX_ERROR', 'Syntax error: the head of the INSERT is split between URL and body');
}

function tryInsert(head: Buffer): InsertStatement | undefined {
  const statement = parseStatement(head.toString('latin1'));
  return statement.kind === 'insert' ? statement : undefined;
}

/** The head again, now as the text that it is. */
function parseInsertHead(head: Buffer): InsertStatement {
  const statement = parseStatement(head.toString('utf8'));
  if (statement.kind !== 'insert') throw new Error('an INSERT is one in either encoding');
  return statement;
}

function unpacked(req: IncomingMessage, compression: string): AsyncIterable<Buffer> {
  switch (compression) {
    case 'none':
      return req;
    case 'gzip':
      return through(req, createGunzip());
    case 'deflate':
      return through(req, createInflate());
    case 'br':
      return through(req, createBrotliDecompress());
    default:
      throw new ServerException(48, 'NOT_IMPLEMENTED', `A query compressed with ${compression} must be in the URL`);
  }
}

/** A broken request breaks the result, so that its reader learns of it. */
function through(req: IncomingMessage, unpack: Transform): AsyncIterable<Buffer> {
  return pipeline(req, unpack, () => undefined);
}

const chunksOf = (source: AsyncIterable<Buffer>): AsyncIterator<Buffer> => source[Symbol.asyncIterator]();

async function readAtLeast(body: AsyncIterator<Buffer>, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  while (size < bytes) {
    const next = await body.next();
    if (next.done === true) break;
    chunks.push(next.value);
    size += next.value.length;
  }
  return Buffer.concat(chunks);
}

/** Writes synchronously: to a memory file system that is a copy, and cheaper than a thread's round trip. */
async function spool(newFile: () => string, first: readonly Buffer[], body: AsyncIterator<Buffer>): Promise<string> {
  const path = newFile();
  const file = openSync(path, 'wx', 0o600);
  try {
    for (const chunk of first) write(file, chunk);
    for (let next = await body.next(); next.done !== true; next = await body.next()) write(file, next.value);
  } finally {
    closeSync(file);
  }
  return path;
}

function write(file: number, chunk: Buffer): void {
  for (let written = 0; written < chunk.length;) written += writeSync(file, chunk, written);
}
