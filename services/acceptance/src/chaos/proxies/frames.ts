/** Cuts a stream of bytes into Kafka's frames: a size in 4 bytes, big-endian, and as many bytes (protocol guide, "Common Request and Response Structure"). */
export class FrameReader {
  private chunks: Buffer[] = [];
  private bytes = 0;

  /** The frames that are whole with this chunk, each with its size. */
  *push(chunk: Buffer): Generator<Buffer> {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    for (;;) {
      if (this.bytes < 4) return;
      const [first] = this.chunks;
      if (first === undefined || first.length < 4) this.join();
      const size = 4 + (this.chunks[0]?.readInt32BE(0) ?? 0);
      if (this.bytes < size) return;
      const all = this.join();
      const rest = all.subarray(size);
      this.chunks = rest.length > 0 ? [rest] : [];
      this.bytes = rest.length;
      yield all.subarray(0, size);
    }
  }

  private join(): Buffer {
    const all = this.chunks.length === 1 ? this.chunks[0] : Buffer.concat(this.chunks);
    this.chunks = all === undefined ? [] : [all];
    return all ?? Buffer.alloc(0);
  }
}
