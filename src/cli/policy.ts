import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import pc from 'picocolors';
import { parse } from 'yaml';
import { z } from 'zod';
import type { ErrorBody } from '../contracts/api.ts';
import { type PolicyEvaluation, policyEvaluationSchema, type PolicyMeasure } from '../contracts/policy-evaluation.ts';
import { type Config, loadConfig } from '../platform/config/load.ts';
import { messageOf, StartupError } from '../platform/core/errors.ts';
import { configFrom, type ConfigOptions, integer, pointInTime, serviceUrl, withConfigOptions } from './options.ts';
import { print, say, table } from './terminal.ts';

interface EvaluateOptions extends ConfigOptions {
  policy: string;
  since: string;
  until?: string;
  limit: number;
  url?: string;
  json?: boolean;
}

/** `signalbox policy …`. */
export function policyCommand(): Command {
  const command = new Command('policy').description('routing policies: what another one would have been worth');
  command.addCommand(
    withConfigOptions(new Command('evaluate'))
      .description('judge another policy by the decisions that were logged, without using it')
      .requiredOption('--policy <file>', 'configuration file whose routing section is the policy to judge')
      .option('--since <when>', 'from when on, such as 7d, 12h or 2026-12-31', pointInTime, pointInTime('7d'))
      .option('--until <when>', 'up to when, in the same words (default: now)', pointInTime)
      .option('--limit <count>', 'newest decisions that are read at the most', integer(1, 500_000), 200_000)
      .option('--json', 'central’s answer as JSON')
      .option('--url <url>', 'address of central')
      .action(async ({ policy, since, until, limit, ...options }: EvaluateOptions) => {
        const config = configFrom(options);
        const body = { policy: readPolicy(policy), since, until: until ?? null, limit };
        const evaluation = await evaluate(config, serviceUrl(config, 'central', options.url), body);
        if (options.json === true) print(JSON.stringify(evaluation, null, 2));
        else show(evaluation);
      }),
  );
  return command;
}

/** @throws StartupError that names what is wrong with the file, with the path of it. */
function readPolicy(file: string): Config['routing'] {
  const { routing, config_file: path } = loadConfig({ file });
  const given: unknown = parse(readFileSync(path ?? file, 'utf8'));
  // Without it the defaults would be judged, which nobody asked for.
  if (!z.object({ routing: z.record(z.string(), z.unknown()) }).safeParse(given).success) {
    throw new StartupError(`${file}: has no section routing`);
  }
  return routing;
}

interface Line {
  read?: number;
  evaluation?: unknown;
  error?: ErrorBody['error'];
}

/**
 * Asks central and shows how far it is, on a terminal. As `callService`, but for an answer that may take minutes.
 *
 * @throws StartupError with one line: nothing listens there, or what central said.
 */
async function evaluate(config: Config, url: string, body: unknown): Promise<PolicyEvaluation> {
  const key = config.master_key;
  let response: Response;
  try {
    response = await fetch(`${url}/policy/evaluate`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/x-ndjson, application/json',
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify(body),
    });
  } catch (error) {
    throw new StartupError(`nothing answers at ${new URL(url).origin}; start it with: signalbox up`, { cause: error });
  }
  let last: Line = {};
  try {
    for await (const line of linesOf(response)) {
      last = line;
      if (line.read !== undefined) showProgress(line.read);
    }
  } catch (error) {
    throw new StartupError(`${url} broke its answer off: ${messageOf(error)}`, { cause: error });
  } finally {
    clearProgress();
  }
  if (last.evaluation !== undefined) return policyEvaluationSchema.parse(last.evaluation);
  const hint = response.status === 401 ? ' (set SIGNALBOX_MASTER_KEY)' : '';
  throw new StartupError(`${last.error?.message ?? `${url} answered ${response.status} without an evaluation`}${hint}`);
}

async function* linesOf(response: Response): AsyncGenerator<Line> {
  let rest = '';
  for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const parts = `${rest}${text}`.split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) yield JSON.parse(part) as Line;
  }
  if (rest !== '') yield JSON.parse(rest) as Line;
}

function showProgress(decisions: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${pc.dim(`${decisions.toLocaleString('en')} decisions read`)}`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001B[K');
}

interface Column {
  title: string;
  format(value: number): string;
  /** Of a difference without its sign, where it is not as that of a value. */
  formatDifference?(value: number): string;
}

const columns: Readonly<Record<PolicyMeasure, Column>> = {
  success: {
    title: 'success rate',
    format: (value) => `${(100 * value).toFixed(2)}%`,
    formatDifference: (value) => `${(100 * value).toFixed(2)} pp`,
  },
  cost_usd: { title: 'cost per request', format: (value) => `$${value < 1e-9 ? 0 : Number(value.toPrecision(3))}` },
  response_time_ms: { title: 'response time', format: (value) => `${value.toFixed(0)} ms` },
  worth: { title: 'worth', format: (value) => value.toFixed(4) },
};

function show(evaluation: PolicyEvaluation): void {
  const { decisions, measures, summary, warnings, successes_per_usd: perUsd } = evaluation;
  const header = ['', 'ESTIMATOR', 'CANDIDATE', '95%', 'LOGGED', 'DIFFERENCE', '95%', 'N', 'EFFECTIVE N'];
  const rows = measures.flatMap((row) => {
    const { title, format, formatDifference = format } = columns[row.measure];
    const range = (interval: readonly number[], toText: (value: number) => string): string =>
      interval.map(toText).join(' … ');
    const difference = (value: number): string => signed(value, formatDifference);
    const counts = [String(row.decisions), row.effective_sample_size.toFixed(0)];
    return (['doubly_robust', 'snips'] as const).map((estimator, index) => {
      const estimate = row[estimator];
      const cells =
        estimate === null
          ? ['-', '-', format(row.logged.value), '-', '-']
          : [
              pc.bold(format(estimate.value)),
              range(estimate.interval, format),
              format(row.logged.value),
              difference(estimate.difference.value),
              range(estimate.difference.interval, difference),
            ];
      return [index === 0 ? title : '', estimator === 'snips' ? 'SNIPS' : 'doubly robust', ...cells, ...counts];
    });
  });
  for (const line of table([header.map((text) => pc.dim(text)), ...rows])) print(line);
  print();
  for (const sentence of summary) print(sentence);
  if (perUsd !== null)
    print(`Worth is success − ${Number(perUsd.toPrecision(3))} × cost in USD, by the candidate’s own weights.`);
  for (const warning of warnings) print(`${pc.yellow('!')} ${warning}`);
  const leftOut = Object.entries(decisions.left_out).map(([reason, count]) => `${count} ${reasons[reason] ?? reason}`);
  const { effective_sample_size: effective, unsupported_share: unsupported, sure_share: sure } = evaluation;
  const counts = [
    `${decisions.used} of ${decisions.read} decisions judged`,
    ...(leftOut.length === 0 ? [] : [`left out: ${leftOut.join(', ')}`]),
    ...(decisions.limit_reached ? ['there may be older ones, see --limit'] : []),
  ];
  const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
  say();
  say(pc.dim(counts.join('; ')));
  say(
    pc.dim(
      `effective n ${effective.toFixed(0)}; new choices without support ${percent(unsupported)}; nothing tried out in ${percent(sure)}`,
    ),
  );
}

function signed(value: number, format: (value: number) => string): string {
  const text = format(Math.abs(value));
  if (text === format(0)) return text;
  return value < 0 ? `−${text}` : `+${text}`;
}

const reasons: Readonly<Record<string, string>> = {
  cancelled: 'cancelled by the client',
  no_outcome: 'without an outcome',
  no_propensity: 'without a propensity',
  no_candidates: 'without their candidates',
  provider_order: 'by the request’s own order of providers',
  nothing_allowed: 'for which the candidate allows no model',
};
