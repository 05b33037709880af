import type { Session } from 'chdb';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Analyst } from '../analyst/analyst.js';
import type { Engine } from '../engine/engine.js';
import { throughPipe } from '../engine/rows.js';
import type { Scratch, Slot } from '../engine/scratch.js';
import { fromEngine, ServerException } from '../exception.js';
import type { RowsStatement, Statement } from '../sql/statement.js';
import { Answer } from './answer.js';
import { receive, type Received } from './body.js';
import { readRequest, type ServerRequest } from './request.js';
import { Sessions } from './sessions.js';
import { SlowRequest } from './slow-request.js';
import { SpoolFiles } from './spool-files.js';

const PINGS = new Set(['/ping', '/replicas_status']);

/** What the handler serves, and to whom. */
export interface Served {
  readonly engine: Engine;
  readonly scratch: Scratch;
  /** Who may do everything that the engine lets anybody do. */
  readonly user: string;
  readonly password: string;
  /** Who reads the views for analysts. */
  readonly analyst: { readonly user: Analyst; readonly password: string };
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
  const { pathname, search } = new URL(req.url ?? '/', 'http://localhost');
  const isGreeting = pathname === '/' && search === '' && req.method === 'GET';
  try {
    if (isGreeting || PINGS.has(pathname)) answer.put('Ok.\n');
    else if (pathname === '/') await query(served, sessions, req, answer);
    else answer.refuse(404, `There is no handle ${pathname}\n\nUse / or /ping for health checks, / for queries.\n`);
    answer.end();
  } catch (error) {
    answer.fail(fromEngine(error));
  }
}

/** @returns the analyst, where it is the analyst who asks. */
function authenticate({ credentials }: ServerRequest, { user, password, analyst }: Served): Analyst | undefined {
  if (credentials.user === user && credentials.password === password) return undefined;
  if (credentials.user === analyst.user.name && credentials.password === analyst.password) return analyst.user;
  const text = `${credentials.user}: Authentication failed: password is incorrect, or there is no user with such name`;
  throw new ServerException(516, 'AUTHENTICATION_FAILED', text);
}

/** Receives the body before anything is taken that others may wait for. */
async function query(served: Served, sessions: Sessions, req: IncomingMessage, answer: Answer): Promise<void> {
  const asked = readRequest(req);
  answer.setQueryId(asked.queryId);
  const analyst = authenticate(asked, served);
  const request = analyst?.limited(asked) ?? asked;
  const files = new SpoolFiles(served);
  const slow = new SlowRequest(request.queryId);
  try {
    const received = await receive(req, request, files);
    slow.statement = textOf(received.statement);
    slow.waitsFor = 'its turn';
    const slot = await served.scratch.slot();
    try {
      slow.waitsFor = 'a session';
      await inSession(sessions, request, received, async (session) => {
        slow.waitsFor = 'the engine, or a client that reads slowly';
        await analyst?.admit(session, received.statement);
        await execute(received, request, answer, { engine: served.engine, session, slot });
      });
    } finally {
      slot.release();
    }
  } finally {
    slow.end();
    files.removeAll();
  }
}

const textOf = (statement: Statement): string =>
  statement.kind === 'insert' ? statement.from('its rows', 'none') : statement.text;

async function inSession(
  sessions: Sessions,
  request: ServerRequest,
  { statement }: Received,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const { session, end } = await sessions.lease(request);
  let succeeded = false;
  try {
    await work(session);
    succeeded = true;
  } finally {
    await end(succeeded && statement.kind !== 'command');
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
