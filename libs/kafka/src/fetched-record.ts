import type { StreamRecord } from '@laurel/stream';
import { WireReader } from './wire-reader.js';

/** A record as it lies in the bytes of its batch. Nothing of it is copied, and what is not asked for is not read. */
export class FetchedRecord implements StreamRecord {
  constructor(
    /** Where all of it lies. */
    readonly source: Buffer,
    readonly offset: number,
    readonly timestampMs: number,
    private readonly keyStart: number,
    /** −1 for none. */
    private readonly keyLength: number,
    readonly valueStart: number,
    /** −1 for none. */
    readonly valueLength: number,
    private readonly headersStart: number,
  ) {}

  get key(): Uint8Array | null {
    return this.keyLength < 0 ? null : this.source.subarray(this.keyStart, this.keyStart + this.keyLength);
  }

  get value(): Uint8Array | null {
    return this.valueLength < 0 ? null : this.source.subarray(this.valueStart, this.valueStart + this.valueLength);
  }

  get hasHeaders(): boolean {
    return this.source[this.headersStart] !== 0;
  }

  /** A header without a value has no bytes. */
  get headers(): StreamRecord['headers'] {
    if (!this.hasHeaders) return NO_HEADERS;
    const headers: Record<string, Uint8Array | undefined> = {};
    const wire = new WireReader(this.source);
    wire.at = this.headersStart;
    for (let left = wire.varint(); left > 0; left -= 1) {
      const name = this.bytes(wire).toString('utf8');
      headers[name] = this.bytes(wire);
    }
    return headers;
  }

  private bytes(wire: WireReader): Buffer {
    const length = Math.max(0, wire.varint());
    const start = wire.at;
    wire.at += length;
    return this.source.subarray(start, wire.at);
  }
}

const NO_HEADERS: StreamRecord['headers'] = {};
