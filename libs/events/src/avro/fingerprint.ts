/**
 * CRC-64-AVRO, the fingerprint that single-object encoding carries.
 * Source: Avro specification 1.11, "Schema Fingerprints" (a Rabin fingerprint; the empty string's is the seed).
 */
const EMPTY = 0xc15d213aa4d7a795n;

const table = Array.from({ length: 256 }, (_, byte) => {
  let fp = BigInt(byte);
  for (let bit = 0; bit < 8; bit += 1) fp = (fp >> 1n) ^ (EMPTY & -(fp & 1n) & 0xffff_ffff_ffff_ffffn);
  return fp;
});

/** The fingerprint of bytes (a schema's Parsing Canonical Form in UTF-8), as an unsigned 64-bit integer. */
export function crc64Avro(bytes: Uint8Array): bigint {
  let fp = EMPTY;
  for (const byte of bytes) fp = (fp >> 8n) ^ (table[Number((fp ^ BigInt(byte)) & 0xffn)] ?? 0n);
  return fp;
}
