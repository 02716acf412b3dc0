import { access, constants, mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { Command } from 'commander';
import pc from 'picocolors';
import type { Config } from '../platform/config/load.ts';
import { messageOf } from '../platform/core/errors.ts';
import { checkDatabase, type DatabaseReport } from '../platform/postgres/check.ts';
import { listModels } from '../platform/providers/list-models.ts';
import { configFrom, type ConfigOptions, withConfigOptions } from './options.ts';
import { print } from './terminal.ts';

interface Finding {
  state: 'ok' | 'warning' | 'problem';
  subject: string;
  detail: string;
  /** What to do about it. */
  advice?: string;
}

const oldestNode = 20;
const providerTimeoutMs = 5000;
/** A clock further off than this would put events into the wrong hour. */
const clockToleranceMs = 5000;

export function doctorCommand(): Command {
  return withConfigOptions(new Command('doctor'))
    .description('check configuration, database, queue, providers, ports and clock, and say what to do')
    .option('--json', 'the findings as JSON')
    .action(async (options: ConfigOptions & { json?: boolean }) => {
      const config = configFrom(options);
      const findings = [
        checkNode(),
        checkConfiguration(config),
        ...(await checkStorage(config)),
        ...(await checkProviders(config)),
        ...(await checkPorts(config)),
      ];
      if (options.json === true) print(JSON.stringify(findings, null, 2));
      else findings.forEach(printFinding);
      if (findings.some((finding) => finding.state === 'problem')) process.exitCode = 1;
    });
}

function printFinding({ state, subject, detail, advice }: Finding): void {
  const mark = { ok: pc.green('✓'), warning: pc.yellow('!'), problem: pc.red('✗') }[state];
  print(`${mark} ${subject.padEnd(14)} ${detail}${advice === undefined ? '' : pc.dim(` → ${advice}`)}`);
}

function checkNode(): Finding {
  const [major = 0] = process.versions.node.split('.').map(Number);
  return major >= oldestNode
    ? { state: 'ok', subject: 'node', detail: process.versions.node }
    : {
        state: 'problem',
        subject: 'node',
        detail: process.versions.node,
        advice: `use Node.js ${oldestNode} or later`,
      };
}

function checkConfiguration(config: Config): Finding {
  return { state: 'ok', subject: 'configuration', detail: config.config_file ?? 'defaults and environment, no file' };
}

async function checkStorage(config: Config): Promise<Finding[]> {
  if (config.database_url === undefined) return [await checkDataDir(config.data_dir)];
  try {
    return describeDatabase(await checkDatabase(config.database_url));
  } catch (error) {
    const advice = 'check DATABASE_URL, and that PostgreSQL runs and accepts connections from here';
    return [{ state: 'problem', subject: 'database', detail: messageOf(error), advice }];
  }
}

async function checkDataDir(dataDir: string): Promise<Finding> {
  try {
    await mkdir(dataDir, { recursive: true });
    await access(dataDir, constants.W_OK);
    return { state: 'ok', subject: 'database', detail: `embedded, in ${dataDir}` };
  } catch (error) {
    const advice = 'choose a folder that can be written with --data-dir';
    return { state: 'problem', subject: 'database', detail: messageOf(error), advice };
  }
}

function describeDatabase(report: DatabaseReport): Finding[] {
  const offMs = Math.round(Math.abs(report.clockOffsetMs));
  return [
    { state: 'ok', subject: 'database', detail: `PostgreSQL ${report.serverVersion}` },
    report.pgmq === null
      ? { state: 'warning', subject: 'pgmq', detail: 'not installed yet', advice: 'signalbox migrate installs it' }
      : {
          state: 'ok',
          subject: 'pgmq',
          detail: `${report.pgmq.version} ${report.pgmq.topics ? 'with' : 'without'} topics`,
        },
    report.pendingMigrations.length === 0
      ? { state: 'ok', subject: 'migrations', detail: 'up to date' }
      : {
          state: 'warning',
          subject: 'migrations',
          detail: `${report.pendingMigrations.length} to apply`,
          advice: 'the next start applies them, or: signalbox migrate',
        },
    offMs <= clockToleranceMs
      ? { state: 'ok', subject: 'clock', detail: `${offMs} ms from the database’s` }
      : {
          state: 'problem',
          subject: 'clock',
          detail: `${offMs} ms from the database’s`,
          advice: 'synchronise it (NTP)',
        },
  ];
}

async function checkProviders(config: Config): Promise<Finding[]> {
  if (config.providers.length === 0) {
    const advice = 'set OPENAI_API_KEY, ANTHROPIC_API_KEY, HF_TOKEN or OLLAMA_HOST; without, up uses the simulator';
    return [{ state: 'warning', subject: 'providers', detail: 'none is configured', advice }];
  }
  return Promise.all(
    config.providers.map(async (provider): Promise<Finding> => {
      try {
        const models = await listModels(provider, { timeoutMs: providerTimeoutMs });
        return { state: 'ok', subject: provider.name, detail: `${models.length} models at ${provider.baseUrl}` };
      } catch (error) {
        const advice = 'check its key and base_url';
        return { state: 'problem', subject: provider.name, detail: messageOf(error), advice };
      }
    }),
  );
}

async function checkPorts(config: Config): Promise<Finding[]> {
  const findings = Object.entries(config.ports).map(async ([service, port]): Promise<Finding> => {
    if (port === 0) return { state: 'ok', subject: service, detail: 'any free port' };
    if (await isFree(config.host, port)) return { state: 'ok', subject: service, detail: `port ${port} is free` };
    if (await isSignalbox(config.host, port, service)) {
      return { state: 'ok', subject: service, detail: `running on port ${port}` };
    }
    const advice = `stop the other program, or set ${service.toUpperCase()}_PORT`;
    return { state: 'problem', subject: service, detail: `port ${port} is taken by something else`, advice };
  });
  return Promise.all(findings);
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}

async function isSignalbox(host: string, port: number, service: string): Promise<boolean> {
  try {
    const response = await fetch(`http://${host}:${port}/health`, { signal: AbortSignal.timeout(2000) });
    const health = (await response.json()) as { service?: unknown };
    return health.service === service;
  } catch {
    return false;
  }
}
