import { Command } from 'commander';
import pc from 'picocolors';
import { z } from 'zod';
import { StartupError } from '../platform/core/errors.ts';
import { callService } from './api-client.ts';
import { configFrom, type ConfigOptions, integer, serviceUrl, withConfigOptions } from './options.ts';
import { print, say, showProgress, table } from './terminal.ts';

interface CallOptions extends ConfigOptions {
  url?: string;
  json?: boolean;
}

interface ChoiceOptions extends CallOptions {
  all?: boolean;
}

const letterSchema = z.object({
  id: z.string(),
  reason: z.string().nullable(),
  received_at: z.string(),
  replays: z.int(),
});
const pageSchema = z.object({ dead_letters: z.array(letterSchema), total: z.int(), next: z.string().nullable() });
const clearedSchema = z.object({
  replayed: z.int().optional(),
  discarded: z.int().optional(),
  left: z.int(),
  up_to: z.string().nullable(),
});

/** Letters of one answer of central at the most. */
const pageSize = 100;

/** `signalbox dead-letters …`: events that could not be counted. */
export function deadLettersCommand(): Command {
  const command = new Command('dead-letters').description('events that could not be counted, and what becomes of them');
  command.addCommand(
    subcommand('list', 'what could not be counted and why, the newest first')
      .option('--limit <count>', 'how many', integer(1, 100_000), 50)
      .action(async (options: CallOptions & { limit: number }) => {
        const { letters, total } = await fetchLetters(options, options.limit);
        if (options.json === true) return print(JSON.stringify({ dead_letters: letters, total }, null, 2));
        const header = ['ID', 'WHEN (UTC)', 'REPLAYS', 'WHY'].map((text) => pc.dim(text));
        const rows = letters.map((letter) => [
          letter.id,
          letter.received_at.slice(0, 19).replace('T', ' '),
          String(letter.replays),
          oneLine(letter.reason),
        ]);
        for (const line of table([header, ...rows])) print(line);
        say(pc.dim(letters.length < total ? `${letters.length} of ${total} dead letters` : `${total} dead letters`));
      }),
  );
  command.addCommand(
    subcommand('show', 'one of them, with its message')
      .argument('<id>', 'its number')
      .action(async (id: string, options: CallOptions) => {
        const answer = await call(options, `/dead-letters/${encodeURIComponent(id)}`);
        if (options.json === true) return print(JSON.stringify(answer, null, 2));
        const letter = letterSchema.extend({ message: z.unknown() }).parse(answer);
        const lines: Array<[string, string]> = [
          ['id', letter.id],
          ['why', oneLine(letter.reason)],
          ['received', letter.received_at],
          ['replays', String(letter.replays)],
        ];
        for (const line of table(lines.map(([label, value]) => [pc.dim(label), value]))) print(line);
        print(JSON.stringify(letter.message, null, 2));
      }),
  );
  command.addCommand(
    withChoice(subcommand('replay', 'give events back to be counted, when what was wrong is repaired')).action(
      async (ids: string[], options: ChoiceOptions) => {
        const { count, answer } = await clear(options, ids, '/dead-letters/replay', 'POST');
        if (options.json === true) print(JSON.stringify(answer, null, 2));
        else print(`${count} replayed; those that fail again come back: signalbox dead-letters list`);
      },
    ),
  );
  command.addCommand(
    withChoice(subcommand('discard', 'delete events for good')).action(
      async (ids: string[], options: ChoiceOptions) => {
        const { count, answer } = await clear(options, ids, '/dead-letters', 'DELETE');
        if (options.json === true) print(JSON.stringify(answer, null, 2));
        else print(`${count} discarded`);
      },
    ),
  );
  return command;
}

function subcommand(name: string, description: string): Command {
  return withConfigOptions(new Command(name))
    .description(description)
    .option('--json', 'central’s answer as JSON')
    .option('--url <url>', 'address of central');
}

function withChoice(command: Command): Command {
  return command.argument('[ids...]', 'numbers of dead letters').option('--all', 'all that there are now');
}

function call(options: CallOptions, path: string, method?: 'POST' | 'DELETE', body?: unknown) {
  const config = configFrom(options);
  return callService(config, `${serviceUrl(config, 'central', options.url)}${path}`, body, method);
}

async function fetchLetters(options: CallOptions, limit: number) {
  const letters: Array<z.infer<typeof letterSchema>> = [];
  let before = '';
  for (;;) {
    const query = `limit=${Math.min(pageSize, limit - letters.length)}${before}`;
    const page = pageSchema.parse(await call(options, `/dead-letters?${query}`));
    letters.push(...page.dead_letters);
    if (page.next === null || letters.length >= limit) return { letters, total: page.total };
    before = `&before=${page.next}`;
    showProgress(`${letters.length} of ${Math.min(limit, page.total)} read`);
  }
}

/** Goes on until none of those that were chosen at first is left. */
async function clear(options: ChoiceOptions, ids: string[], path: string, method: 'POST' | 'DELETE') {
  if ((options.all === true) === ids.length > 0) {
    throw new StartupError('name dead letters by their ids, or all of them with --all');
  }
  let count = 0;
  let body: Record<string, unknown> = options.all === true ? { all: true } : { ids };
  for (;;) {
    const cleared = clearedSchema.parse(await call(options, path, method, body));
    const { left, up_to: upTo, replayed, discarded } = cleared;
    count += (replayed ?? 0) + (discarded ?? 0);
    if (left === 0) return { count, answer: path.endsWith('replay') ? { replayed: count } : { discarded: count } };
    body = { all: true, up_to: upTo };
    showProgress(`${count} of ${count + left}`);
  }
}

function oneLine(reason: string | null): string {
  return (reason ?? '-').replaceAll(/\s+/g, ' ');
}
