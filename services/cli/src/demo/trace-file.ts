import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { parseTrace, type TraceRequest } from './trace.js';

/** The recording that the project carries; its attribution stands beside it. */
export const TRACE_FILE = new URL('../../data/mooncake_conversation.jsonl.gz', import.meta.url);

export async function readTrace(file: URL = TRACE_FILE): Promise<TraceRequest[]> {
  const unzipped = await promisify(gunzip)(await readFile(file));
  return parseTrace(unzipped.toString('utf8'));
}
