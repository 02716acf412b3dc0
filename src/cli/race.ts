import { readFileSync } from 'node:fs';
import { text as readText } from 'node:stream/consumers';
import { Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { raceCandidateSchema, type RaceResponse, raceResponseSchema } from '../contracts/race-api.ts';
import type { Check, Extract } from '../contracts/race-options.ts';
import { mostLanes, type RaceStrategy, raceStrategySchema } from '../contracts/race.ts';
import { messageOf, StartupError } from '../platform/core/errors.ts';
import { callForEvents, type ServiceEvent } from './api-client.ts';
import { configFrom, type ConfigOptions, integer, serviceUrl, withConfigOptions } from './options.ts';
import { differentAnswers, failureOf, summaryRows } from './race-lines.ts';
import { liveProgress, noProgress, plainProgress, type RaceProgress } from './race-progress.ts';
import { print, printable, say, stderrColors, table } from './terminal.ts';

interface RaceCommandOptions extends ConfigOptions {
  models?: string[];
  strategy: RaceStrategy;
  lanes?: number;
  timeout?: number;
  extract?: Extract;
  verifySchema?: string;
  verifyRegex?: string;
  judge?: string | true;
  maxCost?: number;
  maxTokens?: number;
  allAtOnce?: boolean;
  json?: boolean;
  url?: string;
}

export function raceCommand(): Command {
  return withConfigOptions(new Command('race'))
    .description('ask several models at once, watch them, and take the first, the best or the common answer')
    .argument('[prompt]', 'the prompt; - or none: what comes on stdin')
    .option('-m, --models <names>', 'models to race, such as a,b,c (default: the router chooses)', names)
    .addOption(new Option('--strategy <how>', 'which answer wins').choices(raceStrategySchema.options).default('first'))
    .option('-n, --lanes <count>', 'how many answer; models are repeated where there are fewer', integer(2, mostLanes))
    .option('--timeout <ms>', 'until it must be decided', integer(1, 3_600_000))
    .option('--extract <what>', 'what consensus compares: text, number, json or choice:A,B,C', extraction)
    .option('--verify-schema <file>', 'JSON Schema that the JSON in an answer has to fit')
    .option('--verify-regex <pattern>', 'regular expression (RE2) that has to match an answer')
    .option('--judge [model]', 'best: a model that compares the answers (default: the best one in no lane)')
    .option('--max-cost <usd>', 'most that the whole race may cost, in USD', positiveAmount)
    .option('--max-tokens <count>', 'longest answer of each lane, in tokens', integer(1, 1_000_000_000))
    .option('--all-at-once', 'consensus: start all lanes, instead of a majority and more where it does not agree')
    .option('--json', 'all of the race as JSON')
    .option('--url <url>', 'address of the router')
    .addHelpText(
      'after',
      `
Example:
  signalbox race "What is 9 times 8?" -m gpt-6-luna,gpt-6-sol,claude-haiku-4-5 --strategy consensus --extract number

The answer goes to stdout, everything else to stderr. Without a winner the exit code is 1.`,
    )
    .action(async (prompt: string | undefined, options: RaceCommandOptions) => {
      const config = configFrom(options);
      const url = `${serviceUrl(config, 'router', options.url)}/race`;
      const body = { ...requestOf(options), prompt: await promptOf(prompt), stream: true };
      const stopped = new AbortController();
      const stop = (signal: NodeJS.Signals): void => {
        process.exitCode = signal === 'SIGINT' ? 130 : 143;
        stopped.abort();
      };
      // Once only: who asks again does not want to wait.
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
      const result = await follow(callForEvents(config, url, body, stopped.signal), options);
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
      if (result !== null) conclude(result, options);
      else if (stopped.signal.aborted) say('stopped, with all its lanes');
      else throw new StartupError(`${url} broke its answer off`);
    });
}

/** @throws StartupError for a file that cannot be used. */
function requestOf(options: RaceCommandOptions): Record<string, unknown> {
  const checks: Check[] = [];
  if (options.verifySchema !== undefined) {
    checks.push({ type: 'json_schema', schema: readSchema(options.verifySchema) });
  }
  if (options.verifyRegex !== undefined) checks.push({ type: 'regex', pattern: options.verifyRegex, flags: '' });
  const fields = {
    strategy: options.strategy,
    models: options.models,
    n: options.lanes,
    timeout_ms: options.timeout,
    extract: options.extract,
    verifier: checks.length > 1 ? checks : checks[0],
    judge: options.judge,
    max_cost_usd: options.maxCost,
    max_tokens: options.maxTokens,
    staged: options.allAtOnce === true ? false : undefined,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function readSchema(file: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown(), 'is no JSON Schema').parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    const problem = error instanceof z.ZodError ? error.issues[0]?.message : messageOf(error);
    throw new StartupError(`--verify-schema ${file}: ${problem}`, { cause: error });
  }
}

/** @throws StartupError where there is none. */
async function promptOf(argument: string | undefined): Promise<string> {
  if (argument === undefined && process.stdin.isTTY)
    throw new StartupError('give a prompt, or - to read it from stdin');
  const prompt = argument === undefined || argument === '-' ? (await readText(process.stdin)).trim() : argument;
  if (prompt === '') throw new StartupError('the prompt is empty');
  return prompt;
}

function names(list: string): string[] {
  const models = list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (models.length === 0) throw new InvalidArgumentError('must be models such as gpt-6-luna,claude-haiku-4-5.');
  return models;
}

function extraction(text: string): Extract {
  if (text === 'text' || text === 'number' || text === 'json') return text;
  const choices = text.startsWith('choice:')
    ? text
        .slice('choice:'.length)
        .split(',')
        .map((choice) => choice.trim())
    : [];
  if (choices.length < 2 || choices.includes('')) {
    throw new InvalidArgumentError('must be text, number, json, or choices such as choice:yes,no.');
  }
  return { type: 'choice', choices };
}

function positiveAmount(text: string): number {
  const amount = Number(text.replace(/^\$/, ''));
  if (!Number.isFinite(amount) || amount <= 0)
    throw new InvalidArgumentError('must be an amount in USD, such as 0.05.');
  return amount;
}

const beginningSchema = z.object({ lanes: z.array(raceCandidateSchema), timeout_ms: z.number() });
const textSchema = z.object({ text: z.string() });

interface Result {
  response: RaceResponse;
  /** The answer is written already. */
  hasStreamed: boolean;
}

/** Shows the race, and writes the answer where it comes piece by piece; null where the events end without a result. */
async function follow(events: AsyncIterable<ServiceEvent>, { json }: RaceCommandOptions): Promise<Result | null> {
  const progress = progressFor(json === true);
  let hasStreamed = false;
  let result: Result | null = null;
  try {
    for await (const { name, data } of events) {
      if (name === 'race') progress.begin(beginningSchema.parse(data));
      if (name === 'lane') progress.lane(raceCandidateSchema.parse(data));
      if (name === 'text') {
        progress.answering();
        if (json === true) continue;
        if (!hasStreamed) separate();
        hasStreamed = true;
        write(textSchema.parse(data).text);
      }
      if (name === 'result') {
        const response = raceResponseSchema.parse(data);
        progress.finish(response);
        result = { response, hasStreamed };
      }
    }
    return result;
  } finally {
    progress.close();
    // What is said next begins a line of its own.
    if (result === null && hasStreamed) separate();
  }
}

function progressFor(json: boolean): RaceProgress {
  if (!isTerminal()) return json ? noProgress : plainProgress();
  return liveProgress(process.stderr, { colors: stderrColors(), sharesTerminal: process.stdout.isTTY });
}

const isTerminal = (): boolean => process.stderr.isTTY && process.env['TERM'] !== 'dumb';

/** Blank lines are for eyes only. */
function separate(): void {
  if (isTerminal()) say();
}

/** @throws StartupError with the reason where nobody won. */
function conclude({ response, hasStreamed }: Result, { json }: RaceCommandOptions): void {
  const { selected, candidates, outcome } = response;
  if (json === true) print(JSON.stringify(response, null, 2));
  else {
    const text = selected?.output ?? '';
    if (text !== '') {
      if (!hasStreamed) {
        separate();
        write(text);
      }
      if (!text.endsWith('\n')) print();
    }
    if (outcome === 'no_consensus') showAnswers(candidates);
    separate();
    const { dim } = stderrColors();
    for (const line of table(summaryRows(response).map(([label, value]) => [dim(label), value]))) say(line);
  }
  if (outcome !== 'decided') throw new StartupError(failureOf(response));
  // The winner had begun to answer, and broke off.
  if (response.error !== undefined) throw new StartupError(response.error.message);
}

/** A provider's words must not command a terminal; a file gets them as they are. */
function write(text: string): void {
  process.stdout.write(process.stdout.isTTY ? printable(text) : text);
}

function showAnswers(candidates: RaceResponse['candidates']): void {
  const { bold } = stderrColors();
  for (const { models, text } of differentAnswers(candidates)) {
    separate();
    say(`${bold(models.join(', '))} ${models.length === 1 ? 'says' : 'say'}:`);
    say(printable(text));
  }
}
