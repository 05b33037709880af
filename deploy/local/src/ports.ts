import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { hasCode } from './error-code.js';

/**
 * A TCP port of 127.0.0.1 that is free now, from 20000 to 32767: below the ports that systems give to outgoing
 * connections (from 32768 on Linux, from 49152 by IANA). One of those could be given away while its server has not started
 * yet, or is down between a kill and its restart.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    try {
      return await listenOnce(randomInt(20_000, 32_768));
    } catch (error) {
      if (!hasCode(error, 'EADDRINUSE')) throw error;
    }
  }
}

/** `port` if it is free on 127.0.0.1, else the next one that is. */
export async function freePortFrom(port: number): Promise<number> {
  for (let candidate = port; candidate <= 65_535; candidate++) {
    try {
      return await listenOnce(candidate);
    } catch (error) {
      if (!hasCode(error, 'EADDRINUSE')) throw error;
    }
  }
  throw new Error(`no free port from ${port} on`);
}

/** @throws Error when something listens on the port of 127.0.0.1 already; a start would then find the wrong process ready. */
export async function requireFreePort(port: number): Promise<number> {
  return listenOnce(port).catch((cause: unknown) => {
    throw new Error(`Port ${port} is taken.`, { cause });
  });
}

async function listenOnce(port: number): Promise<number> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const { port: bound } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return bound;
}
