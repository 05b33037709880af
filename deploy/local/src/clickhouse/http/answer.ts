import type { ChdbResult } from 'chdb';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { httpStatus, type ServerException } from '../exception.js';
import { contentType } from './content-type.js';

/** So much of an answer is held back, in bytes: what fails before gets an error status, and the summary is final. */
const HELD_BYTES = 256 * 1024;

/** What the engine tells of a finished statement; the rest of the summary is 0, as the engine doesn't tell it. */
export interface Outcome {
  readonly result: ChdbResult;
  readonly rowsAre: 'returned' | 'written';
}

/** The answer to one request, with the headers of ClickHouse's HTTP interface. */
export class Answer {
  private readonly exceptionTag = randomBytes(8).toString('hex');
  private readonly closed = new AbortController();
  private last: string | Uint8Array = '';

  constructor(
    private readonly res: ServerResponse,
    private readonly engine: { readonly version: string; readonly timezone: string },
  ) {
    res.once('close', () => this.closed.abort());
  }

  /** Aborted when the client is gone, or has all. */
  get signal(): AbortSignal {
    return this.closed.signal;
  }

  setQueryId(queryId: string): void {
    this.res.setHeader('X-ClickHouse-Query-Id', queryId);
    this.res.setHeader('X-ClickHouse-Timezone', this.engine.timezone);
  }

  setRows(format: string, compression: string): void {
    this.res.setHeader('X-ClickHouse-Format', format);
    this.res.setHeader('Content-Type', contentType(format));
    if (compression !== 'none') this.res.setHeader('Content-Encoding', compression);
  }

  /** Sets what is left to send. */
  put(body: string | Uint8Array, outcome?: Outcome): void {
    if (outcome !== undefined) this.setSummary(outcome);
    this.last = body;
  }

  /** Sets what is left to send, under an error status. */
  refuse(status: number, text: string): void {
    this.res.statusCode = status;
    this.last = text;
  }

  /** Sends what is left. It comes after all cleaning up: the client's next request may rely on it. */
  end(): void {
    this.res.end(this.last);
  }

  /**
   * Streams rows from the engine to the client at the client's pace.
   *
   * @param finished settles with the statement; it may do so only after `rows` are read.
   * @throws what `finished` rejects with; `fail` knows how much of the answer has gone out.
   */
  async stream(rows: Readable, finished: Promise<ChdbResult>): Promise<void> {
    const held: Buffer[] = [];
    let heldBytes = 0;
    for await (const chunk of rows as AsyncIterable<Buffer>) {
      if (!this.res.headersSent) {
        held.push(chunk);
        heldBytes += chunk.length;
        if (heldBytes <= HELD_BYTES) continue;
        this.res.setHeader('X-ClickHouse-Exception-Tag', this.exceptionTag);
      }
      if (!this.res.write(held.length > 0 ? Buffer.concat(held.splice(0)) : chunk)) {
        await once(this.res, 'drain', { signal: this.signal });
      }
    }
    const result = await finished;
    if (!this.res.headersSent) this.put(Buffer.concat(held), { result, rowsAre: 'returned' });
  }

  /**
   * Reports an error: with its status, or, when rows have gone out already, as the server does it since 25.11: a block at
   * the end that clients find by the tag in the header. The connection then breaks, so that nobody takes it for complete.
   */
  fail(error: ServerException): void {
    if (this.res.destroyed) return;
    const text = error.toResponse(this.engine.version);
    if (!this.res.headersSent) {
      for (const header of ['Content-Encoding', 'X-ClickHouse-Format']) this.res.removeHeader(header);
      this.res.writeHead(httpStatus(error.code), {
        'Content-Type': 'text/plain; charset=UTF-8',
        'X-ClickHouse-Exception-Code': error.code,
      });
      this.res.end(text);
    } else if (this.res.hasHeader('Content-Encoding')) {
      this.res.destroy();
    } else {
      const tag = this.exceptionTag;
      const size = Buffer.byteLength(text);
      const block = `\r\n__exception__\r\n${tag}\r\n${text}${size} ${tag}\r\n__exception__\r\n`;
      this.res.write(block, () => this.res.destroy());
    }
  }

  private setSummary({ result, rowsAre }: Outcome): void {
    const [rows, bytes] = [String(result.rowsRead), String(result.bytesRead)];
    const written = rowsAre === 'written';
    const summary = {
      read_rows: written ? rows : '0',
      read_bytes: written ? bytes : '0',
      written_rows: written ? rows : '0',
      written_bytes: written ? bytes : '0',
      total_rows_to_read: '0',
      result_rows: rows,
      result_bytes: bytes,
      elapsed_ns: String(Math.round(result.elapsed * 1e9)),
    };
    this.res.setHeader('X-ClickHouse-Summary', JSON.stringify(summary));
  }
}
