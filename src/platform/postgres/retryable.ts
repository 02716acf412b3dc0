/**
 * SQLSTATEs of passing conditions (https://www.postgresql.org/docs/current/errcodes-appendix.html). `gone`: no server to
 * talk to; `busy`: the server is there and the same statement may succeed in a moment.
 */
const sqlStates: Readonly<Record<string, 'gone' | 'busy'>> = {
  '08000': 'gone', // connection_exception
  '08001': 'gone', // sqlclient_unable_to_establish_sqlconnection
  '08003': 'gone', // connection_does_not_exist
  '08004': 'gone', // sqlserver_rejected_establishment_of_sqlconnection
  '08006': 'gone', // connection_failure
  '57P01': 'gone', // admin_shutdown
  '57P02': 'gone', // crash_shutdown
  '57P03': 'gone', // cannot_connect_now
  '57P05': 'gone', // idle_session_timeout
  '25006': 'gone', // read_only_sql_transaction: a standby, while a failover is under way
  '25P03': 'gone', // idle_in_transaction_session_timeout
  '53300': 'busy', // too_many_connections
  '53100': 'busy', // disk_full
  '53200': 'busy', // out_of_memory
  '40001': 'busy', // serialization_failure
  '40P01': 'busy', // deadlock_detected
  '55P03': 'busy', // lock_not_available
  '57014': 'busy', // query_canceled: a statement timeout
};

const networkCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** Errors that the driver makes itself; they have no code. */
const driverMessages: readonly string[] = [
  'Connection terminated',
  'timeout expired',
  'timeout exceeded when trying to connect',
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
];

/** Whether the server cannot be reached or has closed the connection. A new connection may work in a moment. */
export function isUnavailable(error: unknown): boolean {
  return kindOf(error) === 'gone';
}

/** Whether the same work, in a new transaction and perhaps on a new connection, may succeed in a moment. */
export function isRetryable(error: unknown): boolean {
  return kindOf(error) !== undefined;
}

function kindOf(error: unknown, depth = 0): 'gone' | 'busy' | undefined {
  if (!(error instanceof Error) || depth > 4) return undefined;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (Object.hasOwn(sqlStates, code)) return sqlStates[code];
  if (networkCodes.has(code)) return 'gone';
  if (driverMessages.some((message) => error.message.startsWith(message))) return 'gone';
  return kindOf(error.cause, depth + 1);
}
