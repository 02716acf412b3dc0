import pc from 'picocolors';
import { type AppOptions, type RunningApp, startApp } from '../app.ts';
import type { ServiceName } from '../contracts/api.ts';
import { isNpmScript } from '../platform/config/environment.ts';
import { createLiveConfig, firstState } from '../platform/config/live.ts';
import { type Config, type LoadOptions, readConfig } from '../platform/config/load.ts';
import { describeProblems } from '../platform/config/problem.ts';
import { createConfigWatcher } from '../platform/config/watch.ts';
import { StartupError } from '../platform/core/errors.ts';
import { createLeveledLogger, type Logger } from '../platform/telemetry/logger.ts';
import { createMetrics } from '../platform/telemetry/metrics.ts';
import { print, say } from './terminal.ts';

const parentCheckMs = 250;

export interface RunOptions extends Omit<AppOptions, 'config' | 'log' | 'metrics'> {
  load: LoadOptions;
}

/** Starts the services, prints the ready line, and runs until SIGTERM or SIGINT. */
export async function run({ load, ...options }: RunOptions): Promise<void> {
  const { config, problems, file, fileHash } = readConfig(load);
  if (config === null) throw new StartupError(describeProblems(problems, file));
  const live = createLiveConfig(config, firstState(config, fileHash));
  const { log, setLevel } = createLeveledLogger({ level: config.log_level });
  live.onChange((now) => setLevel(now.log_level));
  const metrics = createMetrics({ collectProcess: true });
  const stopRequested = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
    if (isNpmScript()) whenParentEnds(() => resolve('npm has ended'));
  });
  endOnCrash(log);
  const { settings } = live.state();
  log.debug({ config: settings, file, file_hash: fileHash, config_version: 1 }, 'configuration');

  // Compares with what was read just now, however long the start takes.
  const watcher = createConfigWatcher({ live, load, log });
  const starting = startApp({ ...options, config: live, log, metrics });
  const first = await Promise.race([starting, stopRequested]);
  // Asked to stop while starting: what was started is stopped in order.
  const app = typeof first === 'string' ? await starting : first;
  if (typeof first !== 'string') {
    announce(app, config, options.services);
    print(JSON.stringify({ ready: true, ports: app.ports }));
  }
  await watcher.start();
  onReloadSignal(() => watcher.reload());
  const signal = await stopRequested;
  for (const again of ['SIGTERM', 'SIGINT'] as const) process.once(again, () => process.exit(130));
  if (process.stderr.isTTY) say(`stopping (${signal}); once more to end at once`);
  await watcher.stop();
  await app.stop();
}

/** At a terminal the signal says that the terminal is closed, and ends the process, as everywhere else it would. */
function onReloadSignal(reload: () => void): void {
  if (!process.stdin.isTTY) process.on('SIGHUP', reload);
}

/**
 * `kill` of `npm start` reaches npm and its shell but not us, and would leave everything running. A change of parent is
 * how we learn of it.
 */
function whenParentEnds(callback: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    callback();
  }, parentCheckMs);
  timer.unref();
}

/** What nobody caught ends the process with its reason, instead of leaving it half alive. */
export function endOnCrash(log: Logger): void {
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'ended by an error that nothing handled');
    log.flush(() => process.exit(70));
  });
}

function announce(app: RunningApp, config: Config, services: readonly ServiceName[]): void {
  const url = (service: ServiceName): string => `http://${config.host}:${app.ports[service] ?? ''}`;
  say();
  for (const service of services)
    say(`  ${pc.bold(service.padEnd(9))} ${url(service)}  ${pc.dim(`${url(service)}/docs`)}`);
  say();
  if (app.simulated) {
    say(
      `  ${pc.yellow('Simulated answers:')} ${
        config.demo.enabled && config.providers.length > 0
          ? '--demo runs against the built-in simulator.'
          : 'no provider is configured. Set OPENAI_API_KEY, ANTHROPIC_API_KEY, HF_TOKEN or OLLAMA_HOST for real ones.'
      }`,
    );
  } else {
    say(
      `  providers: ${
        app
          .providers()
          .map((provider) => provider.name)
          .join(', ') || pc.yellow('none')
      }`,
    );
  }
  if (config.demo.enabled) say(`  Demo traffic: ${config.demo.requests_per_second} requests a second.`);
  if (app.ports.router !== undefined) {
    say(`  Try: ${pc.cyan(`curl ${url('router')}/v1/chat/completions -H 'content-type: application/json' \\`)}`);
    say(
      `         ${pc.cyan(`-d '{"model":"auto","messages":[{"role":"user","content":"What is the capital of France?"}]}'`)}`,
    );
  }
  say();
}
