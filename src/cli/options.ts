import { type Command, InvalidArgumentError } from 'commander';
import { costQualityTradeoffSchema } from '../contracts/decision.ts';
import { type Config, type LoadOptions, loadConfig } from '../platform/config/load.ts';
import { StartupError } from '../platform/core/errors.ts';

/** Options that every command which reads the configuration has. */
export interface ConfigOptions {
  config?: string;
  dataDir?: string;
  databaseUrl?: string;
  demo?: boolean;
  workers?: number;
}

export function withConfigOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration file (default: signalbox.yaml where there is one)')
    .option('--data-dir <dir>', 'where the embedded PostgreSQL keeps its data')
    .option('--database-url <url>', 'a PostgreSQL to use instead of the embedded one');
}

export function withWorkersOption(command: Command): Command {
  return command.option(
    '--workers <count>',
    'processes of the router, all on its one port (default: 1)',
    integer(1, 64),
  );
}

export function configFrom(options: ConfigOptions): Config {
  return loadConfig(loadOptionsFrom(options));
}

export function loadOptionsFrom(options: ConfigOptions): LoadOptions {
  return {
    file: options.config,
    flags: {
      ...(options.dataDir === undefined ? {} : { data_dir: options.dataDir }),
      ...(options.databaseUrl === undefined ? {} : { database_url: options.databaseUrl }),
      ...(options.workers === undefined ? {} : { workers: options.workers }),
      ...(options.demo === true ? { demo: { enabled: true } } : {}),
    },
  };
}

/** Parser of a whole number within bounds. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(`must be a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** Parser of a number from quality (0) to cost (1). */
export function tradeOff(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!costQualityTradeoffSchema.safeParse(value).success) {
    throw new InvalidArgumentError('must be a number from 0 (quality) to 1 (cost).');
  }
  return value;
}

const unitsMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** A time ago, or a date, as ISO 8601. */
export function pointInTime(text: string): string {
  const [, amount, unit = ''] = /^(\d{1,6})([mhdw])$/.exec(text) ?? [];
  const timeMs = amount === undefined ? Date.parse(text) : Date.now() - Number(amount) * (unitsMs[unit] ?? 0);
  if (!/^\d/.test(text) || Number.isNaN(timeMs)) {
    throw new InvalidArgumentError('must be a time ago, such as 7d, 12h or 30m, or a date.');
  }
  return new Date(timeMs).toISOString();
}

/** Where a running service answers, from the same configuration that it was started with. */
export function serviceUrl(config: Config, service: keyof Config['ports'], override: string | undefined): string {
  if (override !== undefined) {
    if (!URL.canParse(override)) throw new StartupError(`--url: ${override} is not an address`);
    return override.replace(/\/+$/, '');
  }
  const host = config.host === '0.0.0.0' || config.host === '::' ? '127.0.0.1' : config.host;
  return `http://${host.includes(':') ? `[${host}]` : host}:${config.ports[service]}`;
}
