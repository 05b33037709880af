/**
 * Reads ClickHouse's RowBinary: columns one after the other without separators, numbers little-endian, texts and arrays after their
 * length as an unsigned LEB128 (https://clickhouse.com/docs/interfaces/formats/RowBinary).
 */
export class RowReader {
  constructor(
    private readonly bytes: Buffer,
    /** Where it stands, in bytes. */
    public at = 0,
  ) {}

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  uint64(): bigint {
    const value = this.bytes.readBigUInt64LE(this.at);
    this.at += 8;
    return value;
  }

  /** A Decimal(38, n) is one too, in units of its last digit. */
  int128(): bigint {
    const low = this.bytes.readBigUInt64LE(this.at);
    const high = this.bytes.readBigInt64LE(this.at + 8);
    this.at += 16;
    return (high << 64n) + low;
  }

  text(): string {
    const length = this.length();
    const from = this.at;
    this.at += length;
    return this.bytes.toString('utf8', from, this.at);
  }

  texts(): readonly string[] {
    return Array.from({ length: this.length() }, () => this.text());
  }

  skip(bytes: number): void {
    this.at += bytes;
  }

  skipText(): void {
    this.skip(this.length());
  }

  skipTexts(): void {
    for (let left = this.length(); left > 0; left -= 1) this.skipText();
  }

  /** Below 2^32. */
  private length(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.bytes.readUInt8(this.at);
      this.at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }
}
