import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ServerException } from '../exception.js';
import { quote, quoteName } from '../sql/statement.js';

/** A request of ClickHouse's HTTP interface, read from its URL and headers. */
export interface ServerRequest {
  readonly queryId: string;
  /** Query text in the URL; the body continues it. */
  readonly urlQuery: string;
  readonly database: string | undefined;
  readonly defaultFormat: string;
  readonly settings: ReadonlyMap<string, string>;
  /** Values as the client escaped them. */
  readonly params: ReadonlyMap<string, string>;
  readonly session: { readonly id: string; readonly timeoutMs: number; readonly mustExist: boolean } | undefined;
  readonly credentials: { readonly user: string; readonly password: string };
  /** The engine's name of the body's compression. */
  readonly bodyCompression: string;
  /** The engine's name of the compression of the answer; also its Content-Encoding unless `none`. */
  readonly answerCompression: string;
  readonly isGet: boolean;
}

/** Parameters of the protocol itself; all others are settings. */
const NOT_SETTINGS = new Set(
  ['query', 'query_id', 'database', 'default_format', 'user', 'password', 'quota_key', 'role', 'stacktrace'].concat(
    ['session_id', 'session_timeout', 'session_check', 'compress', 'decompress', 'buffer_size', 'wait_end_of_query'],
    ['enable_http_compression', 'http_zlib_compression_level', 'client_protocol_version'],
  ),
);

/** What the engine can pack and unpack, the cheapest first. */
const ENCODINGS = ['lz4', 'zstd', 'gzip', 'br', 'deflate', 'xz'];

/** @throws ServerException for what this front doesn't speak. */
export function readRequest(req: IncomingMessage): ServerRequest {
  const url = new URL(req.url ?? '/', 'http://localhost').searchParams;
  const header = (name: string): string | undefined => {
    const value = req.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  if (isOn(url.get('compress')) || isOn(url.get('decompress'))) throw unsupported("the native protocol's compression");
  if (header('content-type')?.startsWith('multipart/form-data') === true) throw unsupported('multipart/form-data');
  const entries = [...url].filter(([name]) => !NOT_SETTINGS.has(name));
  return {
    queryId: url.get('query_id') ?? header('x-clickhouse-query-id') ?? randomUUID(),
    urlQuery: url.get('query') ?? '',
    database: url.get('database') ?? header('x-clickhouse-database'),
    defaultFormat: url.get('default_format') ?? header('x-clickhouse-format') ?? 'TabSeparated',
    settings: new Map(entries.filter(([name]) => !name.startsWith('param_'))),
    params: new Map(
      entries
        .filter(([name]) => name.startsWith('param_'))
        .map(([name, value]) => [name.slice('param_'.length), value]),
    ),
    session: readSession(url),
    credentials: readCredentials(url, header),
    bodyCompression: readEncoding(header('content-encoding')),
    answerCompression: isOn(url.get('enable_http_compression')) ? acceptable(header('accept-encoding')) : 'none',
    isGet: req.method === 'GET',
  };
}

/** Statements that bring a fresh engine session into the state that the request asks for. */
export function preamble({ database, settings, params, session, isGet }: ServerRequest): string {
  const statements = [...params].map(([name, value]) => `SET ${quoteName(`param_${name}`)} = ${quote(value)}`);
  if (database !== undefined && database !== '') statements.unshift(`USE ${quoteName(database)}`);
  const changes = [...settings].map(([name, value]) => `${quoteName(name)} = ${quote(value)}`);
  if (changes.length > 0) statements.push(`SET ${changes.join(', ')}`);
  // As the server does: GET must be safe. A named session outlives the request, and couldn't get out of it again.
  if (isGet && session === undefined && !settings.has('readonly')) statements.push('SET readonly = 2');
  return statements.join('; ');
}

/** Undoes in a named session what was meant for one request. */
export function epilogue({ settings }: ServerRequest): string {
  return settings.size === 0
    ? ''
    : `SET ${[...settings.keys()].map((name) => `${quoteName(name)} = DEFAULT`).join(', ')}`;
}

const isOn = (value: string | null): boolean => value === '1' || value === 'true';

function readSession(url: URLSearchParams): ServerRequest['session'] {
  const id = url.get('session_id');
  if (id === null || id === '') return undefined;
  const seconds = Number(url.get('session_timeout') ?? 60);
  if (!Number.isInteger(seconds) || seconds < 0) {
    throw new ServerException(
      374,
      'INVALID_SESSION_TIMEOUT',
      `Invalid session timeout: '${url.get('session_timeout')}'`,
    );
  }
  return { id, timeoutMs: seconds * 1000, mustExist: isOn(url.get('session_check')) };
}

function readCredentials(
  url: URLSearchParams,
  header: (name: string) => string | undefined,
): ServerRequest['credentials'] {
  const user = header('x-clickhouse-user');
  if (user !== undefined) return { user, password: header('x-clickhouse-key') ?? '' };
  const [scheme, token = ''] = (header('authorization') ?? '').split(' ');
  if (scheme?.toLowerCase() === 'basic') {
    const [name = '', ...rest] = Buffer.from(token, 'base64').toString('utf8').split(':');
    return { user: name, password: rest.join(':') };
  }
  return { user: url.get('user') ?? 'default', password: url.get('password') ?? '' };
}

function readEncoding(value: string | undefined): string {
  const name = value?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity') return 'none';
  if (!ENCODINGS.includes(name)) throw unsupported(`Content-Encoding: ${name}`);
  return name;
}

function acceptable(accepted = ''): string {
  const names = accepted.split(',').map((part) => part.split(';')[0]?.trim().toLowerCase());
  return ENCODINGS.find((encoding) => names.includes(encoding)) ?? 'none';
}

function unsupported(what: string): ServerException {
  return new ServerException(48, 'NOT_IMPLEMENTED', `The local stack's HTTP front does not speak ${what}`);
}
