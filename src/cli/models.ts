import { Command, Option } from 'commander';
import pc from 'picocolors';
import { z } from 'zod';
import { capabilityNames, modelSchema, modelStatusSchema, type Model } from '../contracts/model.ts';
import { callService } from './api-client.ts';
import { configFrom, type ConfigOptions, serviceUrl, withConfigOptions } from './options.ts';
import { print, say, table } from './terminal.ts';

interface ModelsOptions extends ConfigOptions {
  url?: string;
  provider?: string;
  capability?: string;
  status?: string;
  json?: boolean;
}

const answerSchema = z.object({ models: z.array(modelSchema), count: z.number() });

export function modelsCommand(): Command {
  return withConfigOptions(new Command('models'))
    .description('the catalogue: prices, context and scores of every model')
    .option('--provider <name>', 'only this provider')
    .addOption(new Option('--capability <name>', 'only models that can do this').choices(capabilityNames))
    .addOption(new Option('--status <name>', 'only this status').choices(modelStatusSchema.options))
    .option('--json', 'the registry’s answer as JSON')
    .option('--url <url>', 'address of the registry')
    .action(async (options: ModelsOptions) => {
      const config = configFrom(options);
      const url = new URL(`${serviceUrl(config, 'registry', options.url)}/models`);
      for (const name of ['provider', 'capability', 'status'] as const) {
        const value = options[name];
        if (value !== undefined) url.searchParams.set(name, value);
      }
      const answer = await callService(config, url.href);
      if (options.json === true) {
        print(JSON.stringify(answer, null, 2));
        return;
      }
      const { models } = answerSchema.parse(answer);
      const header = ['MODEL', 'PROVIDER', 'STATUS', 'CONTEXT', 'IN $/M', 'OUT $/M', 'SIMPLE', 'MEDIUM', 'COMPLEX'];
      for (const line of table([header.map((text) => pc.dim(text)), ...models.map(toRow)])) print(line);
      say(pc.dim(`${models.length} models`));
    });
}

function toRow(model: Model): string[] {
  const { simple, medium, complex } = model.complexity_scores;
  return [
    model.model_id,
    model.provider,
    model.status,
    model.context_window === null ? '?' : compactTokens(model.context_window),
    perMillion(model.costs.input_tokens_per_1k),
    perMillion(model.costs.output_tokens_per_1k),
    simple.toFixed(2),
    medium.toFixed(2),
    complex.toFixed(2),
  ];
}

const perMillion = (per1k: number | null): string => (per1k === null ? '?' : String(Number((per1k * 1000).toFixed(3))));

function compactTokens(tokens: number): string {
  return tokens >= 1_000_000 ? `${Number((tokens / 1_000_000).toFixed(2))}M` : `${Math.round(tokens / 1000)}k`;
}
