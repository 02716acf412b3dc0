import { Command } from 'commander';
import pc from 'picocolors';
import { savingsSchema } from '../contracts/savings.ts';
import { callService } from './api-client.ts';
import { configFrom, type ConfigOptions, integer, pointInTime, serviceUrl, withConfigOptions } from './options.ts';
import { savingsLines } from './savings-lines.ts';
import { print } from './terminal.ts';

interface SavingsOptions extends ConfigOptions {
  hours?: number;
  since?: string;
  baseline?: string;
  url?: string;
  json?: boolean;
}

export function savingsCommand(): Command {
  return withConfigOptions(new Command('savings'))
    .description('what routing cost, what the best single model would have cost, and what became of quality')
    .option('--hours <count>', 'the last hours (default: 24)', integer(1, 744))
    .option('--since <when>', 'instead of hours, such as 7d, 12h or 2026-12-31', pointInTime)
    .option('--baseline <model>', 'model to compare with, as provider/model')
    .option('--json', 'central’s answer as JSON')
    .option('--url <url>', 'address of central')
    .action(async (options: SavingsOptions) => {
      const config = configFrom(options);
      const query = new URLSearchParams({
        ...(options.hours === undefined ? {} : { hours: String(options.hours) }),
        ...(options.since === undefined ? {} : { since: options.since }),
        ...(options.baseline === undefined ? {} : { baseline: options.baseline }),
      });
      const url = `${serviceUrl(config, 'central', options.url)}/savings?${query.toString()}`;
      const answer = await callService(config, url);
      if (options.json === true) print(JSON.stringify(answer, null, 2));
      else for (const line of savingsLines(savingsSchema.parse(answer), pc)) print(line);
    });
}
