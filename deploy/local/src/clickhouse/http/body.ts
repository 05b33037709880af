import { closeSync, createReadStream, openSync, statSync, writeSync } from 'node:fs';
import { Readable } from 'node:stream';
import { ServerException } from '../exception.js';
import { parseStatement, type InsertStatement, type Statement } from '../sql/statement.js';
import type { SpoolFiles } from './spool-files.js';

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
 * @throws ServerException when the statement is not one that can be run.
 */
export async function receive(
  req: AsyncIterable<Buffer>,
  { urlQuery, bodyCompression }: { urlQuery: string; bodyCompression: string },
  files: SpoolFiles,
): Promise<Received> {
  const fromUrl = urlQuery === '' ? undefined : parseStatement(urlQuery);
  if (fromUrl?.kind === 'insert' && urlQuery.slice(fromUrl.dataStart).trim() === '') {
    const file = await spool(files, [], chunksOf(req));
    return { statement: fromUrl, file, compression: bodyCompression };
  }
  const body = chunksOf(bodyCompression === 'none' ? req : await unpacked(req, bodyCompression, files));
  try {
    return await receivePlain(body, urlQuery === '' ? '' : `${urlQuery}\n`, files);
  } finally {
    await body.return?.();
  }
}

/** The body continues what is in the URL. */
async function receivePlain(body: AsyncIterator<Buffer>, urlQuery: string, files: SpoolFiles): Promise<Received> {
  const head = Buffer.concat([Buffer.from(urlQuery), await readAtLeast(body, HEAD_BYTES)]);
  // One character a byte, so that offsets are those of the bytes.
  const insert = /^\s*(?:insert|--|\/\*|#)/i.test(head.toString('latin1')) ? tryInsert(head) : undefined;
  if (insert !== undefined) {
    const file = await spool(files, [head.subarray(insert.dataStart)], body);
    return { statement: parseInsertHead(head.subarray(0, insert.dataStart)), file, compression: 'none' };
  }
  const text = Buffer.concat([head, await readAtLeast(body, Infinity)]).toString('utf8');
  return withoutRows(parseStatement(text));
}

async function unpacked(
  req: AsyncIterable<Buffer>,
  compression: string,
  files: SpoolFiles,
): Promise<AsyncIterable<Buffer>> {
  const packed = await spool(files, [], chunksOf(req));
  if (statSync(packed).size === 0) return Readable.from([]);
  return createReadStream(await files.unpack(packed, compression)) as AsyncIterable<Buffer>;
}

function withoutRows(statement: Statement): Received {
  if (statement.kind !== 'insert') return { statement };
  throw new ServerException(62, 'SYNTAX_ERROR', 'Syntax error: the head of the INSERT is longer than 64 KiB');
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
async function spool(files: SpoolFiles, first: readonly Buffer[], body: AsyncIterator<Buffer>): Promise<string> {
  const path = files.newFile();
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
