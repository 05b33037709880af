import type { LoggerService } from '@nestjs/common';
import type { KafkaLog } from '@laurel/kafka/client';
import { destination, pino, type Logger } from 'pino';
import pretty from 'pino-pretty';

export type Log = Logger;

/** JSON lines on standard output, or lines for a person when that is a terminal. */
export function createLog(service: string, level: string, format: 'auto' | 'json' | 'pretty'): Log {
  const forPerson = format === 'pretty' || (format === 'auto' && process.stdout.isTTY);
  const options = { level, base: { service }, timestamp: () => `,"time":"${new Date().toISOString()}"` };
  // Synchronous, so that the last words before an exit are not lost.
  return forPerson
    ? pino(options, pretty({ sync: true, ignore: 'pid,hostname' }))
    : pino(options, destination({ sync: true }));
}

/** Nest's lines at debug level: they tell of wiring, which is seldom asked for. */
export function nestLogger(log: Log): LoggerService {
  const at =
    (level: 'debug' | 'warn' | 'error') =>
    (message: unknown, ...details: unknown[]): void =>
      log[level]({ details }, String(message));
  return { log: at('debug'), warn: at('warn'), error: at('error'), debug: at('debug'), verbose: at('debug') };
}

/** kafkajs reports every step of a rebalance as an info or warning, and as an error what it then mends by itself. */
export function kafkaLogger(log: Log): KafkaLog {
  return (level, message, fields) => log[level === 'error' ? 'warn' : 'debug']({ kafka: fields }, message);
}
