import { Command } from 'commander';
import pc from 'picocolors';
import { type Team, teamListSchema, teamSchema } from '../contracts/keys.ts';
import { StartupError } from '../platform/core/errors.ts';
import { callService } from './api-client.ts';
import {
  limitCells,
  limitFields,
  limitHeader,
  limitLines,
  type LimitOptions,
  withLimitOptions,
} from './limit-options.ts';
import { configFrom, type ConfigOptions, serviceUrl, withConfigOptions } from './options.ts';
import { print, say, table } from './terminal.ts';

interface CallOptions extends ConfigOptions {
  url?: string;
  json?: boolean;
}

type TeamOptions = CallOptions & LimitOptions & { name?: string };

/** `signalbox teams …`. A team is named by its name or id. */
export function teamsCommand(): Command {
  const command = new Command('teams').description('teams: keys that share a budget and limits');
  command.addCommand(
    subcommand('list', 'all teams, with what their keys have spent').action(async (options: CallOptions) => {
      const answer = await call(options, '/teams?limit=10000');
      if (options.json === true) return print(JSON.stringify(answer, null, 2));
      const { teams, has_more: hasMore } = teamListSchema.parse(answer);
      const rows = teams.map((team) => [team.name, String(team.keys), ...limitCells(team), team.team_id]);
      for (const line of table([['NAME', 'KEYS', ...limitHeader, 'ID'].map((text) => pc.dim(text)), ...rows]))
        print(line);
      say(pc.dim(hasMore ? `the first ${teams.length} teams; there are more` : `${teams.length} teams`));
    }),
  );
  command.addCommand(
    withLimitOptions(subcommand('create', 'make a team'))
      .argument('<name>', 'what to call it')
      .action(async (name: string, options: TeamOptions) => {
        show(await call(options, '/teams', 'POST', { name, ...limitFields(options, null) }), options);
      }),
  );
  command.addCommand(
    subcommand('show', 'one team, and what is left of its limits')
      .argument('<team>', 'name or id')
      .action(async (team: string, options: CallOptions) => {
        show(await call(options, pathOf(team)), options);
      }),
  );
  command.addCommand(
    withLimitOptions(subcommand('update', 'change a team; none takes a limit away'))
      .argument('<team>', 'name or id')
      .option('--name <name>', 'what to call it')
      .action(async (team: string, options: TeamOptions) => {
        const present = teamSchema.parse(await call(options, pathOf(team)));
        const changes = {
          ...(options.name === undefined ? {} : { name: options.name }),
          ...limitFields(options, present.budget),
        };
        if (Object.keys(changes).length === 0) throw new StartupError('nothing to change; see --help');
        show(await call(options, pathOf(present.team_id), 'PATCH', changes), options);
      }),
  );
  command.addCommand(
    subcommand('delete', 'delete a team that has no key in use')
      .argument('<team>', 'name or id')
      .action(async (team: string, options: CallOptions) => {
        const answer = await call(options, pathOf(team), 'DELETE');
        if (options.json === true) print(JSON.stringify(answer, null, 2));
        else print(`${teamSchema.parse(answer).name} is deleted`);
      }),
  );
  return command;
}

function subcommand(name: string, description: string): Command {
  return withConfigOptions(new Command(name))
    .description(description)
    .option('--json', 'central’s answer as JSON')
    .option('--url <url>', 'address of central');
}

const pathOf = (nameOrId: string): string => `/teams/${encodeURIComponent(nameOrId)}`;

function call(options: CallOptions, path: string, method?: 'POST' | 'PATCH' | 'DELETE', body?: unknown) {
  const config = configFrom(options);
  return callService(config, `${serviceUrl(config, 'central', options.url)}${path}`, body, method);
}

function show(answer: unknown, options: CallOptions): void {
  if (options.json === true) {
    print(JSON.stringify(answer, null, 2));
    return;
  }
  const team: Team = teamSchema.parse(answer);
  print(pc.bold(team.name));
  const lines: Array<[string, string]> = [
    ['id', team.team_id],
    ['keys', String(team.keys)],
    ...limitLines(team),
    ['created', team.created_at],
  ];
  for (const line of table(lines.map(([label, value]) => [pc.dim(label), value]))) print(line);
}
