import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { Catch, Module, type DynamicModule, type RpcExceptionFilter } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { throwError, type Observable } from 'rxjs';
import { choice, describeSettings, integer, readConfig, text, type ConfigOf, type Settings } from './config.js';
import { HealthController, METRICS, READINESS, type Readiness } from './health.js';
import { createLog, nestLogger, type Log } from './logging.js';

/** What a service is given to build itself with. */
export interface Host {
  readonly log: Log;
  readonly metrics: Registry;
  /** Ends the process with a non-zero status: for what no repeat can mend. Its supervisor starts it again. */
  readonly fatal: (error: unknown) => void;
  /** Called at the end, in the reverse order of registration, after the last batch and request. */
  readonly onShutdown: (close: () => Promise<unknown>) => void;
}

export interface ServiceParts {
  readonly module: DynamicModule;
  /** Where batches come from, for services that consume: one, or one for each consumer group. */
  readonly strategies?: readonly CustomTransportStrategy[];
  /** Serves HTTP, for services that set it up in their own way; default a plain one. */
  readonly http?: FastifyAdapter;
  readonly readiness: () => Readiness | Promise<Readiness>;
  /** Runs once everything is wired and consuming. */
  readonly onStarted?: () => void;
}

export interface ServiceDefinition<S extends Settings> {
  /** Such as usage-ingest: in logs, as Kafka client id, in ClickHouse's query log. */
  readonly name: string;
  /** One line for --help. */
  readonly description: string;
  readonly defaultPort: number;
  readonly settings: S;
  build(config: ConfigOf<S>, host: Host): Promise<ServiceParts>;
}

export const hostSettings = (defaultPort: number) => ({
  httpHost: text('LAUREL_HTTP_HOST', {
    description: 'address for HTTP (health, metrics, API); 0.0.0.0 in a container',
    default: '127.0.0.1',
  }),
  httpPort: integer('LAUREL_HTTP_PORT', 0, 65_535, {
    description: 'port for HTTP; 0 for a free one',
    default: String(defaultPort),
  }),
  logLevel: choice('LAUREL_LOG_LEVEL', ['debug', 'info', 'warn', 'error'], {
    description: 'debug, info, warn or error',
    default: 'info',
  }),
  logFormat: choice('LAUREL_LOG_FORMAT', ['auto', 'json', 'pretty'], {
    description: 'json, pretty, or auto: pretty on a terminal',
    default: 'auto',
  }),
});

/** How long an orderly end may take, in ms, before the process ends anyhow. */
const SHUTDOWN_DEADLINE_MS = 15_000;

/** What a handler throws reaches the strategy as it was thrown; Nest would put "Internal server error" in its place. */
@Catch()
class Rethrow implements RpcExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

@Module({})
class HostModule {}

/** Runs a service from its command line and environment until a signal or a fatal error. */
export async function runService<S extends Settings>(definition: ServiceDefinition<S>): Promise<void> {
  const { name, description } = definition;
  const settings = { ...definition.settings, ...hostSettings(definition.defaultPort) };
  const values = readArguments();
  if (values === undefined) return;
  if (values.help === true) {
    process.stdout.write(helpText(name, description, settings));
    return;
  }
  const read = readConfig(settings, process.env);
  if ('faults' in read) {
    for (const { variable, message } of read.faults) process.stderr.write(`${variable} ${message}\n`);
    process.exitCode = 78; // EX_CONFIG of sysexits.h
    return;
  }
  if (values.validate === true) {
    process.stdout.write(`${name}: the configuration is valid\n`);
    return;
  }
  // The definition's own settings are a part of what was read.
  await start(definition, read.config as ConfigOf<S> & ConfigOf<ReturnType<typeof hostSettings>>);
}

/** undefined when there is one that it doesn't know, which it says. */
function readArguments(): { readonly help?: boolean; readonly validate?: boolean } | undefined {
  try {
    const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' }, validate: { type: 'boolean' } } });
    return values;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 64; // EX_USAGE of sysexits.h
    return undefined;
  }
}

function helpText(name: string, description: string, settings: Settings): string {
  const rows = describeSettings(settings);
  const width = Math.max(...rows.map(([variable]) => variable.length));
  const lines = rows.map(([variable, standard, text]) => `  ${variable.padEnd(width)}  ${text} (${standard})`);
  return `${name}: ${description}\n\nUsage: ${name} [--validate] [--help]\n\nEnvironment (default in brackets):\n${lines.join('\n')}\n`;
}

async function start<S extends Settings>(
  definition: ServiceDefinition<S>,
  config: ConfigOf<S> & ConfigOf<ReturnType<typeof hostSettings>>,
): Promise<void> {
  const log = createLog(definition.name, config.logLevel, config.logFormat);
  const closers: Closers = [];
  let ending = false;
  const end = (status: number): void => {
    if (ending) return;
    ending = true;
    process.exitCode = status;
    setTimeout(() => {
      log.error({ open: process.getActiveResourcesInfo() }, 'the orderly end took too long');
      process.exit(status === 0 ? 1 : status);
    }, SHUTDOWN_DEADLINE_MS).unref();
    void closeAll(closers, log).then(() => process.exit(status));
  };
  const fatal = (error: unknown): void => {
    log.fatal({ err: error }, 'ending, as no repeat can mend this');
    end(1);
  };
  process.on('uncaughtException', fatal);
  process.on('unhandledRejection', fatal);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      log.info({ signal }, 'ending');
      end(0);
    });
  }
  // Started by another process with a channel to it, it ends with that process, however that ended.
  process.on('disconnect', () => {
    end(0);
  });

  try {
    await host(definition, config, log, fatal, closers);
  } catch (error) {
    fatal(error);
  }
}

/** A service that runs inside this process. */
export interface RunningService {
  readonly url: string;
  /** Ends in the same order as on a signal. */
  stop(): Promise<void>;
}

/**
 * Runs a service inside this process, which keeps its own signals and status: for tests.
 *
 * @param environment in place of the process's own.
 * @param onFatal told of what would have ended the service's own process.
 */
export async function startService<S extends Settings>(
  definition: ServiceDefinition<S>,
  environment: Readonly<Record<string, string | undefined>>,
  onFatal: (error: unknown) => void,
): Promise<RunningService> {
  const read = readConfig({ ...definition.settings, ...hostSettings(definition.defaultPort) }, environment);
  if ('faults' in read) throw new Error(read.faults.map((one) => `${one.variable} ${one.message}`).join('; '));
  // The definition's own settings are a part of what was read.
  const config = read.config as ConfigOf<S> & ConfigOf<ReturnType<typeof hostSettings>>;
  const log = createLog(definition.name, config.logLevel, config.logFormat);
  const closers: Closers = [];
  try {
    const url = await host(definition, config, log, onFatal, closers);
    return { url, stop: () => closeAll(closers, log) };
  } catch (error) {
    await closeAll(closers, log);
    throw error;
  }
}

type Closers = (() => Promise<unknown>)[];

/** Builds, wires and serves; what is to be closed is in `closers` as soon as it is open. Returns the address. */
async function host<S extends Settings>(
  definition: ServiceDefinition<S>,
  config: ConfigOf<S> & ConfigOf<ReturnType<typeof hostSettings>>,
  log: Log,
  fatal: (error: unknown) => void,
  closers: Closers,
): Promise<string> {
  const metrics = new Registry();
  metrics.setDefaultLabels({ service: definition.name });
  collectDefaultMetrics({ register: metrics });
  const parts = await definition.build(config, { log, metrics, fatal, onShutdown: (close) => closers.push(close) });
  const app = await NestFactory.create<NestFastifyApplication>(
    {
      module: HostModule,
      imports: [parts.module],
      controllers: [HealthController],
      providers: [
        { provide: READINESS, useValue: parts.readiness },
        { provide: METRICS, useValue: metrics },
      ],
    },
    parts.http ?? new FastifyAdapter(),
    { logger: nestLogger(log), abortOnError: false },
  );
  closers.push(() => app.close());
  for (const strategy of parts.strategies ?? []) {
    // Deferred, as filters can't be added once a microservice is initialized.
    app.connectMicroservice({ strategy }, { deferInitialization: true }).useGlobalFilters(new Rethrow());
  }
  await app.startAllMicroservices();
  await app.listen(config.httpPort, config.httpHost);
  parts.onStarted?.();
  const url = await app.getUrl();
  log.info({ url }, 'started');
  return url;
}

async function closeAll(closers: Readonly<Closers>, log: Log): Promise<void> {
  for (const close of [...closers].reverse()) {
    try {
      await close();
    } catch (error) {
      log.warn({ err: error }, 'could not be closed in order');
    }
  }
}
