import { connect } from 'node:net';

const CORRELATION_ID = 1;
const TIMEOUT_MS = 2_000;

/**
 * Whether the broker at 127.0.0.1:`port` lists itself as a live broker, so that topics can be created now.
 *
 * It is asked as any client asks: Metadata v1 for no topic (Kafka protocol guide, api key 3). An open port alone would be
 * too early, as the broker may still be fenced off by its controller.
 */
export async function brokerIsReady(port: number): Promise<boolean> {
  const answer = await exchange(port, metadataRequest());
  return answer !== undefined && answer.readInt32BE(0) === CORRELATION_ID && answer.readInt32BE(4) > 0;
}

/** Size, api key, api version, correlation id, no client id, no topics. */
function metadataRequest(): Buffer {
  const request = Buffer.alloc(18);
  request.writeInt32BE(14, 0);
  request.writeInt16BE(3, 4);
  request.writeInt16BE(1, 6);
  request.writeInt32BE(CORRELATION_ID, 8);
  request.writeInt16BE(-1, 12);
  request.writeInt32BE(0, 14);
  return request;
}

/** Sends one request and returns the answer without its size, or undefined when there is no whole one. */
async function exchange(port: number, request: Buffer): Promise<Buffer | undefined> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy());
  try {
    socket.write(request);
    let received = Buffer.alloc(0);
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      received = Buffer.concat([received, chunk]);
      if (received.length >= 12 && received.length >= 4 + received.readInt32BE(0)) return received.subarray(4);
    }
  } catch {
    // Nobody listens yet: not ready.
  } finally {
    socket.destroy();
  }
  return undefined;
}
