import { Command, InvalidArgumentError } from 'commander';
import { createLogger } from '../platform/telemetry/logger.ts';
import { createSimulator } from '../simulator/simulator.ts';
import { loadProfiles } from '../simulator/profiles.ts';
import { integer } from './options.ts';
import { print, say } from './terminal.ts';

interface SimOptions {
  host: string;
  port: number;
  seed: string;
  timeScale: number;
  profiles?: string;
  replay?: string;
}

export function simCommand(): Command {
  return new Command('sim')
    .description('a simulated provider, OpenAI- and Anthropic-compatible, to try a configuration against')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 takes any free one', integer(0, 65_535), 8090)
    .option('--seed <text>', 'equal seeds give equal answers', 'signalbox')
    .option('--time-scale <factor>', 'multiplies all delays; 0 answers at once', nonNegative, 1)
    .option('--profiles <file>', 'YAML file of model profiles, laid over the built-in ones')
    .option('--replay <file>', 'JSON Lines of recorded answers, plain or .gz')
    .addHelpText(
      'after',
      `
Point a provider at it: OPENAI_BASE_URL=http://127.0.0.1:8090/v1 OPENAI_API_KEY=any signalbox up
Faults: header x-sim-fault, or POST /sim/faults; new and changed models: POST /sim/models; what happened: GET /sim/stats.`,
    )
    .action(async (options: SimOptions) => {
      const simulator = createSimulator({
        host: options.host,
        port: options.port,
        seed: options.seed,
        timeScale: options.timeScale,
        log: createLogger({ level: 'warn' }),
        ...(options.profiles === undefined ? {} : { profiles: await loadProfiles(options.profiles) }),
        ...(options.replay === undefined ? {} : { replayFile: options.replay }),
      });
      await simulator.start();
      say(`simulated provider at ${simulator.baseUrl}/v1 (OpenAI and Anthropic)`);
      print(JSON.stringify({ ready: true, port: simulator.port }));
      await new Promise<void>((resolve) => {
        for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
      });
      await simulator.stop();
    });
}

function nonNegative(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) throw new InvalidArgumentError('must be 0 or more.');
  return value;
}
