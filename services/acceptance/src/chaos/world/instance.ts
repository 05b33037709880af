import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceName } from '../../pipeline/service-process.js';
import type { HttpProxy } from '../proxies/http-proxy.js';
import type { KafkaProxy } from '../proxies/kafka-proxy.js';
import { Program, type End } from './program.js';

/** An end that nobody has asked for: a service that gave up. */
export interface UnaskedEnd extends End {
  readonly instance: string;
  readonly atMs: number;
  readonly lastWords: string;
}

export interface InstanceOptions {
  readonly service: ServiceName;
  /** Such as usage-ingest-1. */
  readonly name: string;
  readonly http: HttpProxy;
  readonly kafka: KafkaProxy;
  readonly environment: NodeJS.ProcessEnv;
  readonly logDir: string;
  readonly onUnaskedEnd: (end: UnaskedEnd) => void;
}

const RESTART_AFTER_MS = 200;

/** A service's place among its twins, with proxies of its own, and a supervisor that starts it again whenever it ends. */
export class Instance {
  private program: Program | undefined;
  private wanted = false;
  private asked = false;
  private starts = 0;
  private frozen = false;

  constructor(private readonly options: InstanceOptions) {}

  get service(): ServiceName {
    return this.options.service;
  }
  get name(): string {
    return this.options.name;
  }
  get http(): HttpProxy {
    return this.options.http;
  }
  get kafka(): KafkaProxy {
    return this.options.kafka;
  }
  get pid(): number | undefined {
    return this.program?.isRunning === true ? this.program.pid : undefined;
  }
  get url(): string | undefined {
    return this.program?.url;
  }

  /** Runs, and is not held still by a fault. */
  get isUp(): boolean {
    return this.program?.isRunning === true && !this.frozen && this.program.url !== undefined;
  }

  /** Resolves when it is ready. */
  async start(): Promise<void> {
    if (this.wanted) return;
    this.wanted = true;
    this.supervise();
    await this.ready();
  }

  /** Resolves when the run that is under way, or the next one, is ready. */
  async ready(): Promise<void> {
    while (this.wanted) {
      const { program } = this;
      if (program !== undefined && (await program.ready())) return;
      await sleep(RESTART_AFTER_MS / 2);
    }
  }

  /** What it answers when it is asked whether it is ready. */
  async readiness(): Promise<string> {
    return fetch(`${this.url ?? ''}/ready`).then(
      (answer) => answer.text(),
      (error: unknown) => String(error),
    );
  }

  /** `kill -9`, now; the supervisor starts it again. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.asked = true;
    this.frozen = false;
    this.program?.send('SIGKILL');
    await this.program?.ended;
  }

  /** Ends it in order and for good. */
  async stop(): Promise<void> {
    this.wanted = false;
    this.asked = true;
    this.thaw();
    this.program?.send('SIGTERM');
    const insist = setTimeout(() => this.program?.send('SIGKILL'), 20_000);
    await this.program?.ended;
    clearTimeout(insist);
  }

  freeze(): void {
    this.frozen = true;
    this.program?.send('SIGSTOP');
  }

  thaw(): void {
    this.frozen = false;
    this.program?.send('SIGCONT');
  }

  log(): string {
    return this.program?.log() ?? '';
  }

  private supervise(): void {
    const { service, name, environment, logDir, onUnaskedEnd } = this.options;
    this.starts += 1;
    this.asked = false;
    const program = Program.start(service, environment, join(logDir, `${name}.${this.starts}.log`));
    this.program = program;
    // Its address is in its log; finding it out is a part of being ready.
    void program.ready().catch(() => undefined);
    void program.ended.then(async (end) => {
      if (!this.asked) {
        onUnaskedEnd({ ...end, instance: name, atMs: Date.now(), lastWords: lastWordsOf(program.log()) });
      }
      await sleep(RESTART_AFTER_MS);
      if (this.wanted) this.supervise();
    });
  }
}

/** The last lines, and before them what was logged as fatal: in its orderly end a service may say more. */
function lastWordsOf(log: string): string {
  const lines = log.trimEnd().split('\n');
  const last = lines.slice(-3);
  return [...lines.filter((line) => line.startsWith('{"level":60') && !last.includes(line)), ...last].join('\n');
}
