/**
 * Reads Kafka's primitive types one after the other; beyond the end it reads zeros.
 * Source: Kafka protocol guide, "Protocol Primitive Types".
 */
export class WireReader {
  /** Where the next byte is read. */
  at = 0;

  constructor(private readonly bytes: Buffer) {}

  int8(): number {
    const value = ((this.bytes[this.at] ?? 0) << 24) >> 24;
    this.at += 1;
    return value;
  }

  int16(): number {
    const value = this.bytes.readInt16BE(this.at);
    this.at += 2;
    return value;
  }

  int32(): number {
    const value = this.bytes.readInt32BE(this.at);
    this.at += 4;
    return value;
  }

  uint32(): number {
    const value = this.bytes.readUInt32BE(this.at);
    this.at += 4;
    return value;
  }

  /** Offsets, times and producer ids are below 2^53; −1 stands for none. */
  int64(): number {
    const value = this.bytes.readInt32BE(this.at) * TWO_32 + this.bytes.readUInt32BE(this.at + 4);
    this.at += 8;
    return value;
  }

  string(): string {
    const length = this.int16();
    const start = this.at;
    this.at += Math.max(0, length);
    return this.bytes.toString('utf8', start, this.at);
  }

  /** A signed number in ZigZag and groups of 7 bits, the lowest first; exact below 2^52. */
  varint(): number {
    const { bytes } = this;
    let byte = bytes[this.at] ?? 0;
    this.at += 1;
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let low = byte & 0x7f;
    for (let shift = 7; shift < 28; shift += 7) {
      byte = bytes[this.at] ?? 0;
      this.at += 1;
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (low >>> 1) ^ -(low & 1);
    }
    return this.longVarint(low);
  }

  /** What goes on after the first 28 bits, which 32-bit arithmetic has no room for. */
  private longVarint(low: number): number {
    let value = low;
    let scale = 2 ** 28;
    for (let byte = 0x80; byte >= 0x80; scale *= 128) {
      byte = this.bytes[this.at] ?? 0;
      this.at += 1;
      value += (byte & 0x7f) * scale;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}

const TWO_32 = 2 ** 32;
