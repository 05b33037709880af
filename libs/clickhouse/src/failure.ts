import { isNativeError } from 'node:util/types';
import { ClickHouseError } from '@clickhouse/client';

/** Error codes of ClickHouse (src/Common/ErrorCodes.cpp) that mean: the same request may succeed later. */
const RETRIABLE = new Set([
  3, // UNEXPECTED_END_OF_FILE (the connection was cut in the body)
  74, // CANNOT_READ_FROM_FILE_DESCRIPTOR
  75, // CANNOT_WRITE_TO_FILE_DESCRIPTOR
  76, // CANNOT_OPEN_FILE
  95, // CANNOT_READ_FROM_SOCKET
  96, // CANNOT_WRITE_TO_SOCKET
  159, // TIMEOUT_EXCEEDED
  160, // TOO_SLOW
  164, // READONLY
  173, // CANNOT_ALLOCATE_MEMORY
  198, // DNS_ERROR
  201, // QUOTA_EXCEEDED
  202, // TOO_MANY_SIMULTANEOUS_QUERIES
  203, // NO_FREE_CONNECTION
  209, // SOCKET_TIMEOUT
  210, // NETWORK_ERROR
  225, // NO_ZOOKEEPER
  236, // ABORTED
  241, // MEMORY_LIMIT_EXCEEDED
  242, // TABLE_IS_READ_ONLY
  243, // NOT_ENOUGH_SPACE
  252, // TOO_MANY_PARTS
  279, // ALL_CONNECTION_TRIES_FAILED
  285, // TOO_FEW_LIVE_REPLICAS
  286, // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
  289, // REPLICA_IS_NOT_IN_QUORUM
  319, // UNKNOWN_STATUS_OF_INSERT
  394, // QUERY_WAS_CANCELLED
  425, // SYSTEM_ERROR
  439, // CANNOT_SCHEDULE_TASK
  473, // DEADLOCK_AVOIDED
  499, // S3_ERROR
  733, // TABLE_IS_BEING_RESTARTED
  999, // KEEPER_EXCEPTION
  1000, // POCO_EXCEPTION
  1001, // STD_EXCEPTION
]);

/** Codes that some rows of an insert can cause while the others are sound. */
const ROWS = new Set([
  6, // CANNOT_PARSE_TEXT
  27, // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  32, // ATTEMPT_TO_READ_AFTER_EOF
  33, // CANNOT_READ_ALL_DATA
  38, // CANNOT_PARSE_DATE
  41, // CANNOT_PARSE_DATETIME
  53, // TYPE_MISMATCH
  69, // ARGUMENT_OUT_OF_BOUND
  70, // CANNOT_CONVERT_TYPE
  72, // CANNOT_PARSE_NUMBER
  117, // INCORRECT_DATA
  128, // TOO_LARGE_ARRAY_SIZE
  131, // TOO_LARGE_STRING_SIZE
  321, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
  349, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
  395, // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO
  407, // DECIMAL_OVERFLOW
  469, // VIOLATED_CONSTRAINT
  691, // UNKNOWN_ELEMENT_OF_ENUM
]);

/** Node's and the client's codes for a server that is away or a connection that broke. */
const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_STREAM_PREMATURE_CLOSE',
  'UND_ERR_SOCKET',
]);

/** Where the client makes an error of an answer. */
const CLIENT = /@clickhouse[\\/]client.*[\\/]error\.js/;

/** See `FailureKind` in libs/stream: an outage, the fault of some rows, or neither. */
export function classifyClickHouseFailure(error: unknown): 'retriable' | 'rows' | 'fatal' {
  if (error instanceof ClickHouseError) {
    const code = Number(error.code);
    if (RETRIABLE.has(code)) return 'retriable';
    return ROWS.has(code) ? 'rows' : 'fatal';
  }
  // Node's own errors may be of another realm than ours (in workers' vm contexts), where instanceof does not know them.
  for (let cause: unknown = error; isNativeError(cause); cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string' && NETWORK.has(cause.code)) return 'retriable';
    // What the client can't read as ClickHouse's answer is that of something before it, such as a proxy's 502.
    if (cause.name === 'Error' && !('code' in cause) && CLIENT.test(cause.stack ?? '')) return 'retriable';
    // The client reports these two without a code.
    if (cause.message === 'Timeout error.' || cause.message === 'socket hang up') return 'retriable';
  }
  return 'fatal';
}
