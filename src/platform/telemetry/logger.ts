import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';

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

/** A logger, and how to change the level of all that was made from it. */
export interface LeveledLogger {
  log: Logger;
  setLevel(level: string): void;
}

/** Structured logs, one JSON line each, on stderr: stdout is for results such as the ready line. */
export function createLogger(options: LoggerOptions): Logger {
  return createLeveledLogger(options).log;
}

/** As `createLogger`. Its children are few and live as long as the process: they are remembered. */
export function createLeveledLogger(
  options: LoggerOptions,
  destination: DestinationStream = pino.destination({ fd: 2, sync: false }),
): LeveledLogger {
  const all: Logger[] = [];
  const log = pino(
    {
      level: options.level,
      onChild: (child: Logger) => void all.push(child),
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
      redact: { paths: redactedPaths, censor: '[redacted]' },
      hooks: { streamWrite: escapeCommands },
    },
    destination,
  );
  all.push(log);
  return {
    log,
    setLevel(level) {
      for (const each of all) each.level = level;
    },
  };
}

/**
 * JSON escapes line ends and what is below U+0020. Of the rest, some command terminals too (U+009B begins an escape
 * sequence), break lines, or turn the order of what follows; they occur within strings alone.
 */
const commanding = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

function escapeCommands(line: string): string {
  return line.replaceAll(commanding, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
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
