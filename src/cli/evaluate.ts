import { writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import pc from 'picocolors';
import { configSchema } from '../platform/config/schema.ts';
import { messageOf, StartupError } from '../platform/core/errors.ts';
import type { Change } from '../prediction/evaluate/replay.ts';
import type { Run } from '../prediction/evaluate/run.ts';
import { explorationFromConfig, policyFromConfig } from '../router/policy-from-config.ts';
import { type EvaluationData, readData } from './evaluate-data.ts';
import { dataLines, offlineLines, onlineLines, unseenLines } from './evaluate-lines.ts';
import { evaluateOffline, evaluateUnseenModels, type OfflineOptions } from './evaluate-offline.ts';
import { evaluateOnline } from './evaluate-online.ts';
import { integer, tradeOff } from './options.ts';
import { print } from './terminal.ts';

interface EvaluateOptions {
  data: string;
  train?: string;
  tradeOff: number[];
  picks?: string;
  labels: boolean;
  leaveOut?: 'family' | 'model';
  resamples: number;
  online?: boolean;
  shuffles: number;
  blocks?: boolean;
  prior: 'none' | 'published';
  drop: number;
  flip: number;
  delay: number;
  degrade?: NamedChange;
  add?: NamedChange;
  remove?: NamedChange;
  json?: boolean;
}

interface NamedChange {
  model: string;
  at: number;
}

/** `signalbox evaluate`: what the router would have made of recorded outcomes. */
export function evaluateCommand(): Command {
  return new Command('evaluate')
    .description('measure the router on recorded outcomes of models, by its own code')
    .requiredOption('--data <file>', 'JSON Lines {id, prompt, outcomes: {model: {score, cost_usd}}}, plain or .gz')
    .option('--train <file>', 'learn from this file and test on the data (default: out of fold, 5 folds)')
    .option('--trade-off <list>', 'numbers from quality (0) to cost (1), such as 0,0.5,1', tradeOffs, tenths)
    .option('--picks <prefix>', 'write the chosen models to PREFIX.<trade-off>.jsonl, {"id","model"} a line')
    .option('--no-labels', 'learn without the task that training rows may name')
    .addOption(
      new Option('--leave-out <what>', 'test whole task families, or models, of which nothing was seen').choices([
        'family',
        'model',
      ]),
    )
    .option('--resamples <count>', 'draws of the bootstrap for the 95% intervals', integer(1, 100_000), 1000)
    .option('--online', 'replay as a stream in which only the chosen model’s outcome is shown')
    .option(
      '--shuffles <count>',
      'with --online: streams in a random order, beside the one by `order`',
      integer(0, 1000),
      0,
    )
    .option('--blocks', 'with --online: one `task` after the other')
    .addOption(
      new Option('--prior <what>', 'with --online: what is known of models before they answer')
        .choices(['none', 'published'])
        .default('none'),
    )
    .option('--drop <share>', 'with --online: outcomes that never arrive', share, 0)
    .option('--flip <share>', 'with --online: outcomes that arrive as their opposite', share, 0)
    .option(
      '--delay <requests>',
      'with --online: requests that pass before an outcome arrives',
      integer(0, 1_000_000),
      0,
    )
    .option('--degrade <model@request>', 'with --online: from this request on half as good', namedChange)
    .option('--add <model@request>', 'with --online: not there before this request', namedChange)
    .option('--remove <model@request>', 'with --online: gone from this request on', namedChange)
    .option('--json', 'the report as JSON')
    .addHelpText(
      'after',
      `
Rows may also have "scores" instead of "outcomes", with a models.json of prices beside the file, and "tools", "fold" (0 to 4),
"order", "task". What is measured and how: docs/evaluate.md`,
    )
    .action((options: EvaluateOptions) => {
      checkOptions(options);
      const data = readData(options.data, options.train ?? null);
      if (options.json !== true) for (const line of dataLines(data)) print(line);
      if (options.online === true) online(data, options);
      else if (options.leaveOut === 'model') unseenModels(data, options);
      else offline(data, options);
    });
}

const tenths = Array.from({ length: 11 }, (_, index) => index / 10);

function checkOptions({ online: isOnline, leaveOut, picks, train }: EvaluateOptions): void {
  if (picks !== undefined && (isOnline === true || leaveOut === 'model')) {
    throw new StartupError('--picks needs one choice for each row: leave out --online and --leave-out model');
  }
  if (leaveOut === 'family' && train !== undefined) {
    throw new StartupError('--leave-out family splits the data itself: leave out --train');
  }
  if (leaveOut !== undefined && isOnline === true)
    throw new StartupError('--online and --leave-out exclude each other');
}

function offline(data: EvaluationData, options: EvaluateOptions): void {
  const evaluated = evaluateOffline(data, offlineOptions(options));
  clearProgress();
  if (options.picks !== undefined) writePicks(options.picks, options.tradeOff, evaluated.run, data.models);
  const { protocol, labels, report, decision } = evaluated;
  if (options.json === true) {
    print(JSON.stringify({ notes: data.notes, protocol, labels, ...report, decision }, null, 2));
  } else for (const line of offlineLines(evaluated)) print(line);
}

function unseenModels(data: EvaluationData, options: EvaluateOptions): void {
  const unseen = evaluateUnseenModels(data, offlineOptions(options));
  clearProgress();
  if (options.json === true) print(JSON.stringify({ notes: data.notes, unseen }, null, 2));
  else for (const line of unseenLines(unseen)) print(line);
}

function online(data: EvaluationData, options: EvaluateOptions): void {
  const { drop: dropped, flip: flipped, delay, prior, shuffles } = options;
  const bounds = explorationFromConfig({ routing: defaultRouting });
  if (bounds === null) throw new StartupError('exploration is off by default, so that there is nothing to replay');
  const change = changeOf(options, data.models);
  const streams = evaluateOnline(data, {
    bounds,
    shuffles,
    blocks: options.blocks === true,
    prior,
    dropped,
    flipped,
    delay,
    change,
    onProgress,
  });
  clearProgress();
  if (options.json === true) print(JSON.stringify({ notes: data.notes, prior, streams }, null, 2));
  else for (const line of onlineLines(streams)) print(line);
}

/** What the router does where nobody configures anything. */
const defaultRouting = configSchema.parse({}).routing;

function offlineOptions(options: EvaluateOptions): OfflineOptions {
  return {
    policy: policyFromConfig({ routing: defaultRouting }),
    tradeOffs: options.tradeOff,
    useLabels: options.labels,
    leaveOut: options.leaveOut ?? null,
    resamples: options.resamples,
    onProgress,
  };
}

/** Every row of the data has a line, also those that repeat a prompt or do not count. */
function writePicks(prefix: string, values: readonly number[], { rows, picks }: Run, models: readonly string[]): void {
  const chosen = picks.get('signalbox') ?? [];
  for (const [point, value] of values.entries()) {
    const lines = rows.flatMap(({ ids }, place) =>
      ids.map((id) => `${JSON.stringify({ id, model: models[chosen[point]?.[place] ?? -1] })}\n`),
    );
    const file = `${prefix}.${value}.jsonl`;
    try {
      writeFileSync(file, lines.join(''));
    } catch (error) {
      throw new StartupError(`${file}: ${messageOf(error)}`, { cause: error });
    }
  }
}

function changeOf({ degrade, add, remove }: EvaluateOptions, models: readonly string[]): Change | null {
  const named = Object.entries({ degrade, add, remove }).filter(([, change]) => change !== undefined);
  const [first, second] = named as Array<[Change['kind'], NamedChange]>;
  if (first === undefined) return null;
  if (second !== undefined) throw new StartupError(`--${first[0]} and --${second[0]}: one change at a time`);
  const [kind, { model, at }] = first;
  const index = models.indexOf(model);
  if (index === -1) throw new StartupError(`--${kind}: the data has no model ${model}, but ${models.join(', ')}`);
  return { kind, model: index, at };
}

function tradeOffs(text: string): number[] {
  return [...new Set(text.split(',').map(tradeOff))].sort((a, b) => a - b);
}

function share(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('must be a number from 0 to 1.');
  return value;
}

function namedChange(text: string): NamedChange {
  const at = text.lastIndexOf('@');
  if (at < 1) throw new InvalidArgumentError('must be a model and a request, such as small@2000.');
  return { model: text.slice(0, at), at: integer(0, 1_000_000_000)(text.slice(at + 1)) };
}

function onProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${pc.dim(text)}`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001B[K');
}
