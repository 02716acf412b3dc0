import pc from 'picocolors';
import { type AppOptions, type RunningApp, startApp } from '../app.ts';
import type { ServiceName } from '../contracts/api.ts';
import { isNpmScript } from '../platform/config/environment.ts';
import { redactConfig } from '../platform/config/load.ts';
import { createLogger, type Logger } from '../platform/telemetry/logger.ts';
import { createMetrics } from '../platform/telemetry/metrics.ts';
import { print, say } from './terminal.ts';

const parentCheckMs = 250;

export type RunOptions = Omit<AppOptions, 'log' | 'metrics'>;

/** Starts the services, prints the ready line, and runs until SIGTERM or SIGINT. */
export async function run(options: RunOptions): Promise<void> {
  const log = createLogger({ level: options.config.log_level });
  const metrics = createMetrics({ collectProcess: true });
  const stopRequested = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
    if (isNpmScript()) whenParentEnds(() => resolve('npm has ended'));
  });
  endOnCrash(log);
  log.debug({ config: redactConfig(options.config) }, 'configuration');

  const starting = startApp({ ...options, log, metrics });
  const first = await Promise.race([starting, stopRequested]);
  // Asked to stop while starting: what was started is stopped in order.
  const app = typeof first === 'string' ? await starting : first;
  if (typeof first !== 'string') {
    announce(app, options);
    print(JSON.stringify({ ready: true, ports: app.ports }));
  }
  const signal = await stopRequested;
  for (const again of ['SIGTERM', 'SIGINT'] as const) process.once(again, () => process.exit(130));
  if (process.stderr.isTTY) say(`stopping (${signal}); once more to end at once`);
  await app.stop();
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

function announce(app: RunningApp, { config, services }: RunOptions): void {
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
    say(`  providers: ${app.providers.map((provider) => provider.name).join(', ') || pc.yellow('none')}`);
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
