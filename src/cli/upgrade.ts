import { Command } from 'commander';
import pc from 'picocolors';
import { z } from 'zod';
import {
  type Evaluation,
  evaluationSchema,
  evaluationsSchema,
  rolloutLogSchema,
  type UpgradeAction,
  upgradeCandidatesSchema,
  upgradeStepSchema,
} from '../contracts/upgrade-api.ts';
import { sleep } from '../platform/core/clock.ts';
import { StartupError } from '../platform/core/errors.ts';
import { callService, userName } from './api-client.ts';
import { configFrom, type ConfigOptions, integer, serviceUrl, withConfigOptions } from './options.ts';
import { liveBlock, print, say, table } from './terminal.ts';
import { evaluationLines, stepSentence } from './upgrade-lines.ts';

interface CallOptions extends ConfigOptions {
  url?: string;
  json?: boolean;
}

interface ActionOptions extends CallOptions {
  reason: string;
  actor?: string;
  dryRun?: boolean;
  control?: string;
}

const actions: ReadonlyArray<readonly [UpgradeAction, string]> = [
  ['approve', 'begin to try a candidate'],
  ['advance', 'let a candidate go on from copies to the first share, however few were compared'],
  ['promote', 'give a candidate all the traffic now'],
  ['rollback', 'take the traffic of a candidate away, and put back what it replaced'],
  ['hold', 'let a candidate not advance; harm still ends it'],
  ['resume', 'let it advance again'],
  ['dismiss', 'do not try a candidate, and do not propose it again'],
  ['retry', 'propose again what was rolled back, dismissed or withdrawn'],
];
/** Those that are not over. */
const openStates: ReadonlySet<string> = new Set(['proposed', 'shadow', 'canary']);
const defaultIntervalMs = 1000;

/** `signalbox upgrade …`. A model is named by its id, as provider/id, or by the id of its candidate or rollout. */
export function upgradeCommand(): Command {
  const command = new Command('upgrade').description('new models: what is tried in the place of what, and how it goes');
  command.addCommand(
    subcommand('status', 'what is tried, with the evidence')
      .argument('[model]', 'this one alone')
      .option('--all', 'also what is over, and candidates that are not tried')
      .action(status),
  );
  command.addCommand(
    subcommand('watch', 'the same, again and again; of one model until it is over')
      .argument('[model]', 'this one alone')
      .option('--interval <ms>', 'pause between two looks', integer(100, 3_600_000), defaultIntervalMs)
      .action(watch),
  );
  for (const [action, description] of actions) {
    const sub = subcommand(action, description)
      .argument('<model>', 'id of the model, its candidate or its rollout')
      .requiredOption('-r, --reason <text>', 'why; it is kept in the log')
      .option('--actor <name>', 'who; it is kept in the log (default: your user name)')
      .option('--dry-run', 'say what would happen, and do nothing');
    if (action === 'approve') sub.option('--control <model>', 'what it would replace, where nothing was proposed');
    command.addCommand(sub.action((model: string, options: ActionOptions) => act(action, model, options)));
  }
  command.addCommand(
    subcommand('log', 'every step of a rollout, by whom and why').argument('<model>', 'as above').action(log),
  );
  return command;
}

function subcommand(name: string, description: string): Command {
  return withConfigOptions(new Command(name))
    .description(description)
    .option('--json', 'the answer as JSON')
    .option('--url <url>', 'address of the upgrade service');
}

function call(options: CallOptions, path: string, body?: unknown): Promise<unknown> {
  const config = configFrom(options);
  return callService(config, `${serviceUrl(config, 'upgrade', options.url)}${path}`, body);
}

/** @throws StartupError where nothing, or more than one thing, is called so. */
async function resolve(options: CallOptions, named: string): Promise<string> {
  if (z.uuid().safeParse(named).success) return named;
  const { candidates } = upgradeCandidatesSchema.parse(await call(options, '/candidates?limit=10000'));
  const { evaluations } = evaluationsSchema.parse(await call(options, '/evaluations?limit=1000'));
  const found = new Map<string, string>();
  // The newest rollout of a model comes first, and a candidate stands for its newest rollout.
  for (const { candidate, rollout_id: id } of evaluations.toReversed()) found.set(keyOf(candidate), id);
  for (const candidate of candidates) found.set(keyOf(candidate), candidate.id);
  const matches = [...found].filter(([key]) => key === named || key.slice(key.indexOf('/') + 1) === named);
  const [match, another] = matches;
  if (match === undefined)
    throw new StartupError(`no candidate is called ${named}; see: signalbox upgrade status --all`);
  if (another !== undefined) {
    throw new StartupError(`${named} may be ${matches.map(([key]) => key).join(' or ')}; name one of them`);
  }
  return match[1];
}

async function fetchEvaluations(options: CallOptions & { all?: boolean }, id: string | null): Promise<Evaluation[]> {
  if (id !== null) return [evaluationSchema.parse(await call(options, `/rollouts/${id}`))];
  const { evaluations } = evaluationsSchema.parse(await call(options, '/evaluations'));
  return options.all === true ? evaluations : evaluations.filter(isOpen);
}

/** Whether something may still become of it. */
function isOpen({ state, watched_until: watchedUntil, rollback_incident_id: incident }: Evaluation): boolean {
  return openStates.has(state) || watchedUntil !== null || incident !== null;
}

async function status(model: string | undefined, options: CallOptions & { all?: boolean }): Promise<void> {
  const evaluations = await fetchEvaluations(options, model === undefined ? null : await resolve(options, model));
  if (options.json === true) return print(JSON.stringify({ evaluations }, null, 2));
  for (const [index, evaluation] of evaluations.entries()) {
    if (index > 0) print();
    for (const line of evaluationLines(evaluation, pc)) print(line);
  }
  if (model !== undefined) return;
  if (options.all === true) await listOthers(options);
  const count = evaluations.length;
  say(pc.dim(count === 0 ? 'nothing is tried' : `${count} rollout${count === 1 ? '' : 's'}`));
}

/** Candidates that nothing was tried with, each with the reason. */
async function listOthers(options: CallOptions): Promise<void> {
  const { candidates } = upgradeCandidatesSchema.parse(await call(options, '/candidates'));
  const others = candidates.filter(({ rollout }) => rollout === null);
  if (others.length === 0) return;
  const rows = others.map((candidate) => [keyOf(candidate), candidate.status, candidate.reason]);
  print();
  for (const line of table([['CANDIDATE', 'STATUS', 'WHY IT IS NOT TRIED'].map((text) => pc.dim(text)), ...rows]))
    print(line);
}

async function watch(model: string | undefined, options: CallOptions & { interval: number }): Promise<void> {
  const id = model === undefined ? null : await resolve(options, model);
  const block = process.stdout.isTTY && options.json !== true ? liveBlock(process.stdout) : null;
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());
  const told = new Map<string, string>();
  try {
    while (!stopped.signal.aborted) {
      const evaluations = await fetchEvaluations(options, id);
      if (block !== null) {
        const lines = evaluations.flatMap((evaluation) => [...evaluationLines(evaluation, pc), '']);
        block.draw([...lines, pc.dim(`${new Date().toISOString().slice(11, 19)} UTC; Ctrl-C ends`)]);
      } else for (const evaluation of evaluations) tell(evaluation, told, options);
      const [watched] = evaluations;
      if (id !== null && watched !== undefined && !openStates.has(watched.state)) return;
      await sleep(options.interval, stopped.signal);
    }
  } finally {
    block?.end();
  }
}

/** A line for whoever is no terminal, when something has changed. */
function tell(evaluation: Evaluation, told: Map<string, string>, { json }: CallOptions): void {
  const { rollout_id: id, candidate, state, stage, reason } = evaluation;
  const line =
    json === true
      ? JSON.stringify(evaluation)
      : `${keyOf(candidate)} ${state.replace('_', ' ')}${state === 'canary' ? ` ${stage + 1}` : ''}: ${reason}`;
  if (told.get(id) === line) return;
  told.set(id, line);
  print(line);
}

async function act(action: UpgradeAction, model: string, options: ActionOptions): Promise<void> {
  const id = await resolve(options, model);
  const body = {
    reason: options.reason,
    actor: options.actor ?? userName(),
    dry_run: options.dryRun === true,
    ...(options.control === undefined ? {} : { control: options.control }),
  };
  const step = upgradeStepSchema.parse(await call(options, `/candidates/${id}/${action}`, body));
  print(options.json === true ? JSON.stringify(step, null, 2) : stepSentence(step));
}

async function log(model: string, options: CallOptions): Promise<void> {
  const answer = await call(options, `/rollouts/${await resolve(options, model)}/log`);
  if (options.json === true) return print(JSON.stringify(answer, null, 2));
  const { log: entries } = rolloutLogSchema.parse(answer);
  const header = ['WHEN (UTC)', 'EVENT', 'TO', 'BY', 'WHY'].map((text) => pc.dim(text));
  const rows = entries.map((entry) => [
    entry.at.slice(0, 19).replace('T', ' '),
    entry.event,
    entry.to_state.replace('_', ' ') + (entry.to_state === 'canary' ? ` ${entry.to_stage + 1}` : ''),
    entry.actor,
    entry.reason,
  ]);
  for (const line of table([header, ...rows])) print(line);
  say(pc.dim(`${entries.length} steps`));
}

function keyOf({ provider, model_id: id }: { provider: string; model_id: string }): string {
  return `${provider}/${id}`;
}
