import { Command } from 'commander';
import pc from 'picocolors';
import { z } from 'zod';
import { StartupError } from '../platform/core/errors.ts';
import { callService } from './api-client.ts';
import { configFrom, type ConfigOptions, serviceUrl, withConfigOptions } from './options.ts';
import { print, say, table } from './terminal.ts';

interface CallOptions extends ConfigOptions {
  url?: string;
  json?: boolean;
  model?: string;
}

const interval = z.tuple([z.number(), z.number()]).nullable();
const answerSchema = z.object({
  seq: z.int(),
  scores: z.array(
    z.object({
      model: z.string(),
      complexity: z.string(),
      score: z.number(),
      catalogue_score: z.number(),
      sample_size: z.int(),
      interval,
      reason: z.string(),
    }),
  ),
  history: z.array(
    z.object({ seq: z.int(), timestamp: z.string(), model: z.string(), complexity: z.string(), reason: z.string() }),
  ),
});
const restoredSchema = z.object({
  changed: z.array(
    z.object({ model: z.string(), complexity: z.string(), old_score: z.number(), new_score: z.number() }),
  ),
});

/** `signalbox scores …`: what was learned, and how to take it back. */
export function scoresCommand(): Command {
  const command = new Command('scores').description(
    'learned scores: what they are, how they came about, and back again',
  );
  command.addCommand(
    subcommand('list', 'the learned scores, beside what the catalogue says').action(async (options: CallOptions) => {
      const answer = await fetchScores(options, 1);
      if (options.json === true) return print(JSON.stringify(answer, null, 2));
      const { scores, seq } = answerSchema.parse(answer);
      const header = ['MODEL', 'COMPLEXITY', 'SCORE', 'SURE', 'CATALOGUE', 'ANSWERS'];
      const rows = scores.map((score) => [
        score.model,
        score.complexity,
        score.score.toFixed(2),
        score.interval === null ? '-' : score.interval.map((end) => end.toFixed(2)).join('…'),
        score.catalogue_score.toFixed(2),
        String(score.sample_size),
      ]);
      for (const line of table([header.map((text) => pc.dim(text)), ...rows])) print(line);
      say(pc.dim(`${scores.length} learned scores, as of update ${seq}; all others are the catalogue’s`));
    }),
  );
  command.addCommand(
    subcommand('history', 'changes of scores and their reasons, the newest first').action(
      async (options: CallOptions) => {
        const answer = await fetchScores(options, 50);
        if (options.json === true) return print(JSON.stringify(answer, null, 2));
        const { history } = answerSchema.parse(answer);
        const rows = history.map((change) => [
          String(change.seq),
          change.timestamp.slice(0, 19).replace('T', ' '),
          change.model,
          change.complexity,
          change.reason,
        ]);
        for (const line of table([
          ['UPDATE', 'WHEN (UTC)', 'MODEL', 'COMPLEXITY', 'WHY'].map((text) => pc.dim(text)),
          ...rows,
        ]))
          print(line);
      },
    ),
  );
  command.addCommand(
    subcommand('restore', 'put scores back to what they were after an update, or to the catalogue’s')
      .argument('<update>', 'number of an update, as `history` shows it, or: catalogue')
      .action(async (update: string, options: CallOptions) => {
        const to = update === 'catalogue' ? update : Number(update);
        if (typeof to === 'number' && !(Number.isSafeInteger(to) && to >= 0)) {
          throw new StartupError(`${update} is neither the number of an update nor: catalogue`);
        }
        const body = { to, ...(options.model === undefined ? {} : { models: [options.model] }) };
        const config = configFrom(options);
        const url = `${serviceUrl(config, 'central', options.url)}/scores/restore`;
        const { changed } = restoredSchema.parse(await callService(config, url, body, 'POST'));
        if (options.json === true) return print(JSON.stringify({ changed }, null, 2));
        const rows = changed.map((change) => [
          change.model,
          change.complexity,
          `${change.old_score.toFixed(2)} → ${change.new_score.toFixed(2)}`,
        ]);
        for (const line of table(rows)) print(line);
        say(pc.dim(`${changed.length} scores were put back; learning goes on from there`));
      }),
  );
  return command;
}

function fetchScores(options: CallOptions, limit: number): Promise<unknown> {
  const config = configFrom(options);
  const query = new URLSearchParams({
    limit: String(limit),
    ...(options.model === undefined ? {} : { model: options.model }),
  });
  return callService(config, `${serviceUrl(config, 'central', options.url)}/scores?${query.toString()}`);
}

function subcommand(name: string, description: string): Command {
  return withConfigOptions(new Command(name))
    .description(description)
    .option('--model <model>', 'only of this model')
    .option('--json', 'central’s answer as JSON')
    .option('--url <url>', 'address of central');
}
