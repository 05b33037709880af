import type { Session } from 'chdb';
import { rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../engine/engine.js';
import { throughPipe } from '../engine/rows.js';
import type { Scratch, Slot } from '../engine/scratch.js';
import { fromEngine, ServerException } from '../exception.js';
import type { RowsStatement } from '../sql/statement.js';
import { Answer } from './answer.js';
import { receive, type Received } from './body.js';
import { epilogue, preamble, readRequest, type ServerRequest } from './request.js';
import { Sessions } from './sessions.js';
import { unpack } from './unpack.js';

/** What the handler serves, and to whom. */
export interface Served {
  readonly engine: Engine;
  readonly scratch: Scratch;
  readonly user: string;
  readonly password: string;
}

/** Answers requests of ClickHouse's HTTP interface. */
export interface Handler {
  /** Never rejects: every error is answered. */
  handle(req: IncomingMessage, res: ServerResponse): Promise<void>;
  /** Waits for the running requests; after `graceMs` their statements are cancelled. */
  drain(graceMs: number): Promise<void>;
}

export function createHandler(served: Served): Handler {
  const sessions = new Sessions(served.engine);
  const running = new Set<Promise<void>>();
  return {
    async handle(req, res) {
      const done = answerRequest(served, sessions, req, res);
      running.add(done);
      await done;
      running.delete(done);
    },
    async drain(graceMs) {
      const all = Promise.all(running);
      const late = new AbortController();
      const inTime = await Promise.race([
        all.then(() => true),
        sleep(graceMs, false, { signal: late.signal }).catch(() => false),
      ]);
      late.abort();
      if (!inTime) await served.engine.cancel();
      await all;
      sessions.closeAll();
    },
  };
}

async function answerRequest(
  served: Served,
  sessions: Sessions,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const answer = new Answer(res, served.engine);
  try {
    if (isPing(req)) answer.put('Ok.\n');
    else await query(served, sessions, req, answer);
    answer.end();
  } catch (error) {
    answer.fail(fromEngine(error));
  }
}

function isPing(req: IncomingMessage): boolean {
  const [path, query] = (req.url ?? '/').split('?');
  return (
    path === '/ping' || path === '/replicas_status' || (path === '/' && query === undefined && req.method === 'GET')
  );
}

function authenticate({ credentials }: ServerRequest, { user, password }: Served): void {
  if (credentials.user === user && credentials.password === password) return;
  const text = `${credentials.user}: Authentication failed: password is incorrect, or there is no user with such name`;
  throw new ServerException(516, 'AUTHENTICATION_FAILED', text);
}

/** Receives the body before anything is taken that others may wait for. */
async function query(served: Served, sessions: Sessions, req: IncomingMessage, answer: Answer): Promise<void> {
  const request = readRequest(req);
  answer.setQueryId(request.queryId);
  authenticate(request, served);
  const files: string[] = [];
  const newFile = (): string => {
    const path = served.scratch.newFile();
    files.push(path);
    return path;
  };
  try {
    const unpackFile = async (from: string, compression: string): Promise<string> => {
      const to = newFile();
      await unpack(served, { from, to, compression });
      return to;
    };
    const received = await receive(req, request, { newFile, unpackFile });
    const slot = await served.scratch.slot();
    try {
      await inSession(sessions, request, (session) =>
        execute(received, request, answer, { engine: served.engine, session, slot }),
      );
    } finally {
      slot.release();
    }
  } finally {
    for (const path of files) rmSync(path, { force: true });
  }
}

async function inSession(
  sessions: Sessions,
  request: ServerRequest,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const lease = await sessions.lease(request);
  try {
    await lease.session.queryAsync(preamble(request));
    await work(lease.session);
  } finally {
    if (request.session !== undefined) await lease.session.queryAsync(epilogue(request)).catch(() => undefined);
    lease.end();
  }
}

/** What a statement runs with. */
interface Running {
  readonly engine: Engine;
  readonly session: Session;
  readonly slot: Slot;
}

async function execute(received: Received, request: ServerRequest, answer: Answer, running: Running): Promise<void> {
  const { statement } = received;
  switch (statement.kind) {
    case 'rows':
      return sendRows(statement, request, answer, running);
    case 'insert': {
      const { file, compression } = received as Extract<Received, { file: string }>;
      const result = await running.session.queryAsync(statement.from(file, compression));
      answer.put('', { result, rowsAre: 'written' });
      return;
    }
    case 'command': {
      const result = await running.session.queryAsync(statement.text, { format: request.defaultFormat });
      answer.setRows(request.defaultFormat, 'none');
      answer.put(result.bytes(), { result, rowsAre: 'returned' });
      return;
    }
  }
}

async function sendRows(
  statement: RowsStatement,
  request: ServerRequest,
  answer: Answer,
  running: Running,
): Promise<void> {
  const format = statement.format ?? request.defaultFormat;
  const compression = request.answerCompression;
  answer.setRows(format, compression);
  await throughPipe(
    running,
    (path) => statement.into(path, compression, format),
    async ({ rows, finished }) => {
      // A client that went away wants no more rows.
      answer.signal.addEventListener('abort', () => rows.destroy(), { once: true });
      await answer.stream(rows, finished);
    },
  );
}
