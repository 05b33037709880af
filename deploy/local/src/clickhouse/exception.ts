/** An error as ClickHouse's server reports it: `Code: N. DB::Exception: text. (NAME) (version …)`. */
export class ServerException extends Error {
  override readonly name = 'ServerException';

  constructor(
    /** One of ClickHouse's error codes (src/Common/ErrorCodes.cpp there). */
    readonly code: number,
    readonly codeName: string,
    readonly text: string,
  ) {
    super(`Code: ${code}. DB::Exception: ${text.replace(/\.$/, '')}. (${codeName})`);
  }

  /** The whole line that the server would send. */
  toResponse(engineVersion: string): string {
    return `${this.message} (version ${engineVersion} (official build))\n`;
  }
}

const ENGINE_MESSAGE =
  /Code: (\d+)\. DB::(?:Net)?Exception: (?:Code: \1\. DB::Exception: )?([\s\S]*?)\s*\(([A-Z][A-Z0-9_]+)\)(?: \(version [^)]*\)\. \(\3\))?\s*$/;

/** The engine's error in the server's words; one without a code becomes UNKNOWN_EXCEPTION (1002). */
export function fromEngine(error: unknown): ServerException {
  if (error instanceof ServerException) return error;
  const message = error instanceof Error ? error.message : String(error);
  const [, code, text, name] = ENGINE_MESSAGE.exec(message) ?? [];
  if (code === undefined || text === undefined || name === undefined) {
    return new ServerException(1002, 'UNKNOWN_EXCEPTION', message);
  }
  return new ServerException(Number(code), name, withoutSpool(text));
}

/** Where the front keeps a request's rows is no concern of its client. */
function withoutSpool(text: string): string {
  return text.replace(/: \(in file\/uri [^)]*\)/g, '').replace(/: data for INSERT was parsed from file/g, '');
}

const STATUS_OF_CODE = new Map<number, number>([
  ...codes(401, [194]),
  ...codes(403, [192, 193, 512, 516]),
  ...codes(400, [6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72]),
  ...codes(400, [117, 123, 167, 168, 223, 321, 376, 427, 441, 675, 676]),
  ...codes(404, [46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511]),
  ...codes(408, [159]),
  ...codes(411, [381]),
  ...codes(413, [229]),
  ...codes(501, [48]),
  ...codes(503, [76, 209, 439]),
]);

function codes(status: number, of: readonly number[]): [number, number][] {
  return of.map((code) => [code, status]);
}

/** The HTTP status of an error code, as the server maps them (src/Server/HTTP/exceptionCodeToHTTPStatus.cpp there). */
export function httpStatus(code: number): number {
  return STATUS_OF_CODE.get(code) ?? 500;
}
