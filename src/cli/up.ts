import { Command } from 'commander';
import { serviceNameSchema } from '../contracts/api.ts';
import { type ConfigOptions, loadOptionsFrom, withConfigOptions, withWorkersOption } from './options.ts';

export function upCommand(): Command {
  return withWorkersOption(withConfigOptions(new Command('up')))
    .description('run all four services in one process, with a PostgreSQL of their own where none is given')
    .option('--demo', 'answer from the built-in simulator and send it a modest stream of prompts')
    .addHelpText(
      'after',
      `
Ports: REGISTRY_PORT 8000, ROUTER_PORT 8001, UPGRADE_PORT 8002, CENTRAL_PORT 8003; 0 takes any free port.
Providers come from the environment (OPENAI_API_KEY, ANTHROPIC_API_KEY, HF_TOKEN, OLLAMA_HOST, …) and signalbox.yaml.`,
    )
    .action(async (options: ConfigOptions) => {
      // The services are most of the program; the other commands need not load them.
      const { run } = await import('./run.ts');
      await run({
        load: loadOptionsFrom(options),
        services: serviceNameSchema.options,
        embeddedDatabase: true,
        simulator: true,
      });
    });
}
