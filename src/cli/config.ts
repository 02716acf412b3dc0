import { Command, Option } from 'commander';
import pc from 'picocolors';
import { configAnswerSchema } from '../contracts/config-api.ts';
import { serviceNameSchema, type ServiceName } from '../contracts/api.ts';
import { changesBetween, type SettingChange } from '../platform/config/change.ts';
import {
  type Config,
  type ConfigReading,
  type LoadOptions,
  readConfig,
  unsafeToListen,
} from '../platform/config/load.ts';
import { type Origin, originsOf } from '../platform/config/origin.ts';
import { type ConfigProblem, describeProblem, describeProblems } from '../platform/config/problem.ts';
import { flattenConfig, showConfig } from '../platform/config/show.ts';
import { StartupError } from '../platform/core/errors.ts';
import { callService } from './api-client.ts';
import { type ConfigOptions, loadOptionsFrom, serviceUrl, withConfigOptions } from './options.ts';
import { print, printProblem, say, table } from './terminal.ts';

export function configCommand(): Command {
  const command = new Command('config').description('check, print and compare configurations');
  command.addCommand(
    withConfigOptions(new Command('check'))
      .description('say all that is wrong with a configuration file; ends with 1 where something is')
      .argument('[file]', 'the file (default: the one that a start would read)')
      .option('--without-keys', 'do not ask for the keys of providers: they are set elsewhere')
      .option('--json', 'the problems as JSON')
      .action(check),
  );
  command.addCommand(
    withConfigOptions(new Command('print'))
      .description('every setting with its value and where that comes from; secrets are replaced')
      .argument('[file]', 'the file (default: the one that a start would read)')
      .option('--changed', 'only settings that differ from their default')
      .option('--json', 'the settings as JSON')
      .action(printSettings),
  );
  command.addCommand(
    withConfigOptions(new Command('diff'))
      .description('what a file would change: of a running instance, or of another file; and what needs a restart')
      .argument('<file>', 'the new file')
      .argument('[old]', 'the file to compare it with (default: the configuration of a running service)')
      .addOption(
        new Option('--service <name>', 'which service to ask').choices(serviceNameSchema.options).default('router'),
      )
      .option('--url <url>', 'address of the service')
      .option('--json', 'the differences as JSON')
      .action(diff),
  );
  return command;
}

type CheckOptions = ConfigOptions & { withoutKeys?: boolean; json?: boolean };

function check(file: string | undefined, options: CheckOptions): void {
  const reading = readConfig(loadOptionsOf(file, options));
  const unsafe = reading.config === null ? null : unsafeToListen(reading.config);
  const problems = [
    ...reading.problems,
    ...(unsafe === null
      ? []
      : [{ path: 'host', message: unsafe, line: reading.yaml.lineOf(['host']), variable: null }]),
  ].filter(({ path }) => options.withoutKeys !== true || !isOfProviderKey(path));
  if (options.json === true) print(JSON.stringify({ file: reading.file, problems }, null, 2));
  else if (problems.length === 0) print(`${nameOf(reading)}: ok`);
  else for (const problem of problems) printProblem(placed(problem, reading.file));
  if (problems.length > 0) process.exitCode = 1;
}

/** What a check cannot know where the keys are set elsewhere. */
export const isOfProviderKey = (path: string): boolean => /^providers\.\d+\.(api_key_env|base_url_env)$/.test(path);

/** As compilers say it, so that editors find the line. */
function placed(problem: ConfigProblem, file: string | null): string {
  const { line } = problem;
  if (file === null) return describeProblem(problem);
  return `${file}:${line === null ? '' : `${line}:`} ${describeProblem({ ...problem, line: null })}`;
}

function printSettings(file: string | undefined, options: ConfigOptions & { changed?: boolean; json?: boolean }): void {
  const load = loadOptionsOf(file, options);
  const reading = readConfig(load);
  const config = configOf(reading);
  const originOf = originsOf(reading, load);
  const rows = [...flattenConfig(showConfig(config))]
    .map(([path, value]) => ({ path, value, origin: originOf(path) }))
    .filter(({ origin }) => options.changed !== true || origin.kind !== 'default');
  if (options.json === true) {
    print(
      JSON.stringify(
        rows.map(({ value, ...row }) => ({ ...row, value: JSON.parse(value) as unknown })),
        null,
        2,
      ),
    );
    return;
  }
  const header = ['SETTING', 'VALUE', 'FROM'].map((text) => pc.dim(text));
  for (const line of table([header, ...rows.map(({ path, value, origin }) => [path, value, wordsFor(origin)])])) {
    print(line);
  }
  say(pc.dim(nameOf(reading)));
}

function wordsFor(origin: Origin): string {
  switch (origin.kind) {
    case 'default':
    case 'command line':
      return origin.kind;
    case 'environment':
      return origin.variables.join(', ');
    case 'file': {
      const line = origin.line === null ? 'file' : `line ${origin.line}`;
      return origin.variables.length === 0 ? line : `${line}: ${origin.variables.join(', ')}`;
    }
  }
}

type DiffOptions = ConfigOptions & { service: ServiceName; url?: string; json?: boolean };

async function diff(file: string, old: string | undefined, options: DiffOptions): Promise<void> {
  const load = loadOptionsOf(file, options);
  const reading = readConfig(load);
  const config = configOf(reading);
  const originOf = originsOf(reading, load);
  const before =
    old === undefined
      ? await runningSettings(config, options)
      : showConfig(configOf(readConfig(loadOptionsOf(old, options))));
  // Two settings have another default in another process or folder: that is no difference of the files.
  const isOwn = ({ path }: SettingChange): boolean =>
    (path === 'instance_id' || path === 'data_dir') && originOf(path).kind === 'default';
  const changes = changesBetween(before, showConfig(config)).filter((change) => !isOwn(change));
  if (options.json === true) print(JSON.stringify({ changes }, null, 2));
  else if (changes.length === 0) print('no difference');
  else {
    const header = ['SETTING', 'BEFORE', 'AFTER', 'TAKES EFFECT'].map((text) => pc.dim(text));
    for (const line of table([header, ...changes.map(toRow)])) print(line);
  }
}

function toRow({ path, before, after, needsRestart }: SettingChange): string[] {
  return [path, before ?? '–', after ?? '–', needsRestart ? pc.yellow('at a restart') : 'at once'];
}

async function runningSettings(config: Config, options: DiffOptions): Promise<Record<string, unknown>> {
  // The key and the address of what runs are those of the file that it was started with, and of the environment.
  const url = `${serviceUrl(config, options.service, options.url)}/config`;
  const { settings, version, problem } = configAnswerSchema.parse(await callService(config, url));
  if (options.json !== true) say(pc.dim(`${url}: version ${version}`));
  if (problem !== null) say(pc.yellow(`its own file is not in force: ${problem}`));
  return settings;
}

function loadOptionsOf(file: string | undefined, options: ConfigOptions): LoadOptions {
  return loadOptionsFrom(file === undefined ? options : { ...options, config: file });
}

function configOf({ config, problems, file }: ConfigReading): Config {
  if (config === null) throw new StartupError(describeProblems(problems, file));
  return config;
}

const nameOf = ({ file }: ConfigReading): string => file ?? 'defaults and environment, no file';
