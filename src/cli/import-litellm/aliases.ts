import { isRecord } from '../../platform/config/record.ts';
import type { Deployment } from './deployments.ts';
import type { Report } from './report.ts';

type Path = readonly PropertyKey[];

/** Names under which clients ask, each with its models in their order, as `provider/model`. */
export type Aliases = Record<string, string[]>;

/** The names of `model_list`, with what the settings say should be tried after them. */
export function aliasesOf(
  file: Record<string, unknown>,
  deployments: readonly Deployment[],
  providerOf: ReadonlyMap<Deployment, string>,
  report: Report,
): Aliases {
  const groups = new Map<string, string[]>();
  for (const deployment of [...deployments].sort((a, b) => a.order - b.order)) {
    const { name, modelId } = deployment;
    const provider = providerOf.get(deployment) ?? '';
    if (modelId === null) continue;
    const model = `${provider}/${modelId}`;
    const known = groups.get(name);
    if (known === undefined) groups.set(name, [model]);
    else if (!known.includes(model)) known.push(model);
  }
  sayOfNames(file, deployments, groups, report);

  const names = new Map(groups);
  for (const [path, value] of settings(file, 'model_group_alias')) {
    for (const [alias, target] of Object.entries(isRecord(value) ? value : {})) {
      const wanted = isRecord(target) ? target['model'] : target;
      names.set(alias, groups.get(String(wanted)) ?? [String(wanted)]);
      report.add('carried', [...path, alias], `routing.aliases.${alias}`);
    }
  }
  const chains = new Map([...names].map(([name, models]) => [name, [...models]]));
  addFallbacks(file, names, chains, report);
  return Object.fromEntries([...chains].filter(([name, models]) => models.length > 1 || models[0] !== name));
}

function sayOfNames(
  file: Record<string, unknown>,
  deployments: readonly Deployment[],
  groups: ReadonlyMap<string, readonly string[]>,
  report: Report,
): void {
  const list = Array.isArray(file['model_list']) ? (file['model_list'] as unknown[]) : [];
  for (const [index, entry] of list.entries()) {
    const name = isRecord(entry) ? String(entry['model_name']) : '';
    const path = ['model_list', index, 'model_name'];
    const own = deployments.find((deployment) => deployment.index === index && deployment.name === name);
    if (own === undefined) continue;
    if (own.modelId === null) {
      const { prefix } = own.parsed;
      report.add(
        name === `${prefix}/*` || name === '*' ? 'carried' : 'differs',
        path,
        `all models of the provider ${prefix}: ask for MODEL or ${prefix}/MODEL; there are no patterns of names`,
      );
    } else {
      const isOne = (groups.get(name)?.length ?? 0) < 2;
      report.add(
        'carried',
        path,
        `routing.aliases${isOne ? '' : ', its models in turn'}, unless it is the model's own name`,
      );
    }
  }
}

/** The settings of this name: those of the router come after the others, and win. */
function settings(file: Record<string, unknown>, name: string): Array<readonly [Path, unknown]> {
  return ['litellm_settings', 'router_settings'].flatMap((section) => {
    const value = isRecord(file[section]) ? file[section][name] : undefined;
    return value === undefined ? [] : [[[section, name], value] as const];
  });
}

function addFallbacks(
  file: Record<string, unknown>,
  names: ReadonlyMap<string, readonly string[]>,
  chains: Map<string, string[]>,
  report: Report,
): void {
  const modelsOf = (wanted: unknown): readonly string[] => {
    const name = isRecord(wanted) ? String(wanted['model']) : String(wanted);
    return names.get(name) ?? [name];
  };
  const append = (name: string, wanted: unknown): void => {
    const chain = chains.get(name) ?? [name];
    for (const model of (Array.isArray(wanted) ? (wanted as unknown[]) : [wanted]).flatMap(modelsOf)) {
      if (!chain.includes(model)) chain.push(model);
    }
    chains.set(name, chain);
  };
  for (const [path, value] of settings(file, 'fallbacks')) {
    for (const [index, entry] of (Array.isArray(value) ? (value as unknown[]) : []).entries()) {
      for (const [name, wanted] of Object.entries(isRecord(entry) ? entry : {})) {
        const place = [...path, index, name];
        if (name === '*') report.add('missing', place, 'there is no fallback of all names: auto has its own chain');
        else {
          append(name, wanted);
          report.add('carried', place, `the end of routing.aliases.${name}`);
        }
      }
    }
  }
  for (const [path, value] of settings(file, 'default_fallbacks')) {
    for (const name of chains.keys()) append(name, value);
    report.add('carried', path, 'the end of every name in routing.aliases; other models have none');
  }
}
