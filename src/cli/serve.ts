import { Argument, Command } from 'commander';
import { type ServiceName, serviceNameSchema } from '../contracts/api.ts';
import { StartupError } from '../platform/core/errors.ts';
import { type ConfigOptions, loadOptionsFrom, withConfigOptions, withWorkersOption } from './options.ts';

export function serveCommand(): Command {
  return withWorkersOption(withConfigOptions(new Command('serve')))
    .description('run one service; as many processes as wanted share one PostgreSQL')
    .addArgument(new Argument('<service>', 'which one').choices(serviceNameSchema.options))
    .addHelpText('after', '\nNeeds DATABASE_URL or --database-url. Give each router an INSTANCE_ID of its own.')
    .action(async (service: ServiceName, options: ConfigOptions) => {
      if (options.workers !== undefined && service !== 'router') {
        throw new StartupError(`--workers is for the router; ${service} runs in one process`);
      }
      // The services are most of the program; the other commands need not load them.
      const { run } = await import('./run.ts');
      await run({ load: loadOptionsFrom(options), services: [service], embeddedDatabase: false, simulator: false });
    });
}
