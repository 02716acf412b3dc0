import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import pc from 'picocolors';
import { stringify } from 'yaml';
import { readConfigText } from '../platform/config/load.ts';
import { describeProblem } from '../platform/config/problem.ts';
import { readYaml, type YamlFile } from '../platform/config/yaml-file.ts';
import { messageOf, StartupError } from '../platform/core/errors.ts';
import { isOfProviderKey } from './config.ts';
import type { Finding } from './import-litellm/report.ts';
import { translateLitellm } from './import-litellm/translate.ts';
import { print, printable, say } from './terminal.ts';

export function importCommand(): Command {
  const command = new Command('import').description('make a signalbox.yaml of another gateway’s configuration');
  command.addCommand(
    new Command('litellm')
      .description('of LiteLLM’s config.yaml; says of each of its settings what became of it')
      .argument('<file>', 'LiteLLM’s configuration file')
      .option('-o, --out <file>', 'where to write it (default: to the standard output)')
      .option('--json', 'the report as JSON, on the standard output; needs --out')
      .action(importLitellm),
  );
  return command;
}

function importLitellm(file: string, options: { out?: string; json?: boolean }): void {
  const { out } = options;
  if (options.json === true && out === undefined) throw new StartupError('--json needs --out');
  if (out !== undefined && existsSync(out))
    throw new StartupError(`${out} exists; remove it first, or name another file`);
  const yaml = readFile(file);
  const { config, findings } = translateLitellm(yaml.values);
  const text = `# Made of a LiteLLM configuration by signalbox import litellm.\n${stringify(config, { lineWidth: 0 })}`;
  const { problems } = readConfigText({ env: {} }, out ?? 'signalbox.yaml', Buffer.from(text));
  const wrong = problems.filter(({ path }) => !isOfProviderKey(path));
  if (out === undefined) process.stdout.write(text);
  else writeFileSync(out, text, { mode: 0o600 });
  if (options.json === true) {
    const rows = findings.map(({ kind, path, text: what }) => ({
      kind,
      path: path.join('.'),
      line: yaml.lineOf(path),
      text: what,
    }));
    print(JSON.stringify({ findings: rows, problems: wrong }, null, 2));
  } else {
    for (const finding of findings) say(lineOf(finding, file, yaml));
    say(summary(findings));
  }
  for (const problem of wrong) say(`${pc.red('to be corrected')} ${describeProblem({ ...problem, line: null })}`);
  if (wrong.length > 0) process.exitCode = 1;
}

function readFile(file: string): YamlFile {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new StartupError(messageOf(error), { cause: error });
  }
  const yaml = readYaml(text);
  const [first] = yaml.errors;
  if (first !== undefined) throw new StartupError(`${file}:${first.line ?? 1}: ${first.message}`);
  return yaml;
}

const marks: Readonly<Record<Finding['kind'], string>> = {
  carried: pc.green('carried'),
  differs: pc.yellow('differs'),
  missing: pc.red('missing'),
  unknown: pc.red('unknown'),
};

function lineOf({ kind, path, text }: Finding, file: string, yaml: YamlFile): string {
  return printable(`${marks[kind]} ${file}:${yaml.lineOf(path) ?? 1} ${path.join('.')}: ${text}`);
}

function summary(findings: readonly Finding[]): string {
  const count = (kind: Finding['kind']): number => findings.filter((finding) => finding.kind === kind).length;
  return pc.dim(
    `${count('carried')} carried over, ${count('differs')} in another way or not needed, ${count('missing')} without a counterpart, ${count('unknown')} not known`,
  );
}
