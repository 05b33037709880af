import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { TRACE_FILE } from '../files.js';
import { parseTrace, type TraceRequest } from './trace.js';

export async function readTrace(file: URL = TRACE_FILE): Promise<TraceRequest[]> {
  const unzipped = await promisify(gunzip)(await readFile(file));
  return parseTrace(unzipped.toString('utf8'));
}
