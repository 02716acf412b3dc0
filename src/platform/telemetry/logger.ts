import { type Logger as PinoLogger, pino } from 'pino';

export type Logger = PinoLogger;

export interface LoggerOptions {
  level: string;
}

/** What must never be written even if somebody passes a whole request or configuration to the logger. */
const redactedPaths = ['authorization', 'api_key', 'apiKey', 'password', 'master_key', 'token'].flatMap((key) => [
  key,
  `*.${key}`,
  `*.*.${key}`,
]);

/** Structured logs, one JSON line each, on stderr: stdout is for results such as the ready line. */
export function createLogger(options: LoggerOptions): Logger {
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
      redact: { paths: redactedPaths, censor: '[redacted]' },
    },
    pino.destination({ fd: 2, sync: false }),
  );
}

/** A logger that writes nothing, for tests and tools. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}

/**
 * An error as it is logged. Only these fields: drivers hang whole clients with their settings onto their errors, and
 * PostgreSQL's `detail` quotes values.
 */
function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' ? { code } : {}),
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}
