import { Command, Option } from 'commander';
import pc from 'picocolors';
import { z } from 'zod';
import {
  type Key,
  keyPageSchema,
  type KeyScope,
  keySchema,
  keyScopeSchema,
  keyWithSecretSchema,
} from '../contracts/keys.ts';
import { StartupError } from '../platform/core/errors.ts';
import { callService } from './api-client.ts';
import {
  expiry,
  fromNone,
  graceSeconds,
  limitCells,
  limitFields,
  limitHeader,
  limitLines,
  type LimitOptions,
  modelPatterns,
  type OrNone,
  orNone,
  withLimitOptions,
} from './limit-options.ts';
import { configFrom, type ConfigOptions, serviceUrl, tradeOff, withConfigOptions } from './options.ts';
import { print, say, table } from './terminal.ts';

interface CallOptions extends ConfigOptions {
  url?: string;
  json?: boolean;
}

interface KeyFilter {
  team?: string;
  revoked?: boolean;
}

interface KeyOptions extends CallOptions, LimitOptions {
  name?: string;
  team?: OrNone<string>;
  models?: OrNone<string[]>;
  expires?: OrNone<string>;
  explore?: boolean;
  mayShadow?: boolean;
  tradeoff?: OrNone<number>;
}

/** `signalbox keys …`. A key is named by its id, its name or its prefix. */
export function keysCommand(): Command {
  const command = new Command('keys').description('virtual keys: who may ask, for which models, and how much');
  command.addCommand(
    subcommand('list', 'all keys, with what they have spent')
      .option('--team <team>', 'only of this team')
      .option('--revoked', 'revoked keys too')
      .action(async (options: CallOptions & KeyFilter) => {
        const keys = await fetchKeys(options, options);
        if (options.json === true) return print(JSON.stringify({ keys }, null, 2));
        const header = ['NAME', 'KEY', 'TEAM', 'SCOPE', 'STATUS', ...limitHeader, 'MODELS', 'EXPIRES', 'ID'];
        for (const line of table([header.map((text) => pc.dim(text)), ...keys.map(toRow)])) print(line);
        say(pc.dim(`${keys.length} keys`));
      }),
  );
  command.addCommand(
    withKeyOptions(subcommand('create', 'make a key and show it, this once'))
      .argument('<name>', 'what to call it')
      .addOption(
        new Option('--scope <scope>', 'what it opens, for good: models, all that services show, or all')
          .choices(keyScopeSchema.options)
          .default('call'),
      )
      .action(async (name: string, options: KeyOptions & { scope: KeyScope }) => {
        const fields = { name, scope: options.scope, ...keyFields(options, null) };
        const answer = await call(options, '/keys', 'POST', fields);
        showSecret(answer, options);
      }),
  );
  command.addCommand(
    subcommand('show', 'one key, and what is left of its limits')
      .argument('<key>', 'id, name or prefix')
      .action(async (key: string, options: CallOptions) => {
        show(await resolveKey(options, key), options);
      }),
  );
  command.addCommand(
    withKeyOptions(subcommand('update', 'change a key; none takes a limit away'))
      .argument('<key>', 'id, name or prefix')
      .option('--name <name>', 'what to call it')
      .action(async (key: string, options: KeyOptions) => {
        const present = await resolveKey(options, key);
        const changes = keyFields(options, present);
        if (Object.keys(changes).length === 0) throw new StartupError('nothing to change; see --help');
        show(keySchema.parse(await call(options, `/keys/${present.key_id}`, 'PATCH', changes)), options);
      }),
  );
  command.addCommand(
    subcommand('revoke', 'refuse a key from now on, for ever')
      .argument('<key>', 'id, name or prefix')
      .action(async (key: string, options: CallOptions) => {
        const { key_id: id } = await resolveKey(options, key);
        const revoked = keySchema.parse(await call(options, `/keys/${id}`, 'DELETE'));
        if (options.json === true) print(JSON.stringify(revoked, null, 2));
        else print(`${revoked.name} (${revoked.prefix}…) is revoked`);
      }),
  );
  command.addCommand(
    subcommand('rotate', 'replace the text of a key and show the new one, this once')
      .argument('<key>', 'id, name or prefix')
      .option(
        '--grace <time>',
        'how long the old text stays good beside it, such as 24h (default: not at all)',
        graceSeconds,
      )
      .action(async (key: string, options: CallOptions & { grace?: number }) => {
        const { key_id: id } = await resolveKey(options, key);
        const body = options.grace === undefined ? {} : { grace_seconds: options.grace };
        showSecret(await call(options, `/keys/${id}/rotate`, 'POST', body), options);
      }),
  );
  return command;
}

const pageSize = 1000;

function subcommand(name: string, description: string): Command {
  return withConfigOptions(new Command(name))
    .description(description)
    .option('--json', 'central’s answer as JSON')
    .option('--url <url>', 'address of central');
}

function withKeyOptions(command: Command): Command {
  return withLimitOptions(command)
    .option(
      '--models <patterns>',
      "models that it may use, such as 'gpt-*,claude-*', or all",
      orNone(modelPatterns, 'all'),
    )
    .option('--expires <when>', 'such as 30d, 12h, 2026-12-31 or never', orNone(expiry, 'never'))
    .option('--team <team>', 'name or id of its team, or none', orNone(String))
    .option('--explore', 'let auto try out other models than the best now and then (the default)')
    .option('--no-explore', 'always the best model')
    .option('--may-shadow', 'let its requests be copied to a model that is tried before it replaces another')
    .option('--no-may-shadow', 'copy none of its requests (the default)')
    .option(
      '--tradeoff <number>',
      'from 0 for quality to 1 for cost, where a request says nothing; or none',
      orNone(tradeOff),
    );
}

function keyFields(options: KeyOptions, present: Key | null): Record<string, unknown> {
  return {
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.team === undefined ? {} : { team: fromNone(options.team) }),
    ...(options.models === undefined ? {} : { models: fromNone(options.models) }),
    ...(options.expires === undefined ? {} : { expires_at: fromNone(options.expires) }),
    ...(options.explore === undefined ? {} : { may_explore: options.explore }),
    ...(options.mayShadow === undefined ? {} : { may_shadow: options.mayShadow }),
    ...(options.tradeoff === undefined ? {} : { cost_quality_tradeoff: fromNone(options.tradeoff) }),
    ...limitFields(options, present?.budget ?? null),
  };
}

function call(options: CallOptions, path: string, method?: 'POST' | 'PATCH' | 'DELETE', body?: unknown) {
  const config = configFrom(options);
  return callService(config, `${serviceUrl(config, 'central', options.url)}${path}`, body, method);
}

async function fetchKeys(options: CallOptions, { team, revoked }: KeyFilter): Promise<Key[]> {
  const query = new URLSearchParams({
    limit: String(pageSize),
    ...(team === undefined ? {} : { team }),
    ...(revoked === true ? { revoked: 'true' } : {}),
  });
  const keys: Key[] = [];
  for (;;) {
    const page = keyPageSchema.parse(await call(options, `/keys?${query.toString()}`));
    keys.push(...page.keys);
    if (page.next === null) return keys;
    query.set('before', page.next);
  }
}

/** @throws StartupError where no key, or more than one, is called so. */
async function resolveKey(options: CallOptions, named: string): Promise<Key> {
  if (z.uuid().safeParse(named).success) return keySchema.parse(await call(options, `/keys/${named}`));
  const keys = await fetchKeys(options, {});
  const found = keys.filter((key) => key.name === named || key.prefix === named);
  const [key, another] = found;
  if (key === undefined) throw new StartupError(`no key is called ${named}; see: signalbox keys list`);
  if (another !== undefined) throw new StartupError(`${found.length} keys are called ${named}; name one by its id`);
  return key;
}

function show(key: Key, options: CallOptions): void {
  if (options.json === true) {
    print(JSON.stringify(key, null, 2));
    return;
  }
  print(`${pc.bold(key.name)} ${key.status === 'active' ? pc.green(key.status) : pc.red(key.status)}`);
  const lines: Array<[string, string]> = [
    ['id', key.key_id],
    ['key', `${key.prefix}…`],
    ['scope', key.scope],
    ['team', key.team?.name ?? 'none'],
    ['models', key.models?.join(', ') ?? 'all'],
    ['explores', key.may_explore ? 'yes' : 'no'],
    ['may be copied', key.may_shadow ? 'yes' : 'no'],
    ['trade-off', key.cost_quality_tradeoff === null ? 'as configured' : String(key.cost_quality_tradeoff)],
    ...limitLines(key),
    ['expires', key.expires_at ?? 'never'],
    ...(key.previous_valid_until === null ? [] : [['old text until', key.previous_valid_until] as [string, string]]),
    ['last used', key.last_used_at ?? 'never'],
    ['created', key.created_at],
  ];
  for (const line of table(lines.map(([label, value]) => [pc.dim(label), value]))) print(line);
}

/** The key alone goes to stdout, so that a script can take it from there. */
function showSecret(answer: unknown, options: CallOptions): void {
  if (options.json === true) {
    print(JSON.stringify(answer, null, 2));
    return;
  }
  const { key, ...rest } = keyWithSecretSchema.parse(answer);
  say(`${pc.bold(rest.name)} ${pc.dim(rest.key_id)}`);
  print(key);
  say(pc.dim('Keep it now: it is stored nowhere and cannot be shown again.'));
}

function toRow(key: Key): string[] {
  return [
    key.name,
    `${key.prefix}…`,
    key.team?.name ?? '-',
    key.scope,
    key.status,
    ...limitCells(key),
    key.models?.join(',') ?? 'all',
    key.expires_at?.slice(0, 10) ?? 'never',
    key.key_id,
  ];
}
