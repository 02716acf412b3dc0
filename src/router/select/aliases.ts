import { matchesPattern } from './pattern.ts';
import type { Policy, SelectionRequest } from './policy.ts';

type Aliases = Policy['aliases'];

/** The models that a name stands for, in their order: those of an alias, or else itself. Pure. */
export function modelsOfName(name: string, aliases: Aliases): readonly string[] {
  return (Object.hasOwn(aliases, name) ? aliases[name] : undefined) ?? [name];
}

type Allowed = SelectionRequest['allowedModels'];

/** The bounds within which a name is resolved: whoever may use an alias may use what it stands for. Pure. */
export function boundsOfName<B extends { allowedModels: Allowed }>(name: string, bounds: B, aliases: Aliases): B {
  return opensAlias(name, bounds.allowedModels, aliases) ? { ...bounds, allowedModels: null } : bounds;
}

/** What may be chosen from for a request that lists names: the key's models, and what those of its aliases stand for. Pure. */
export function allowedUnder(names: readonly string[], allowed: Allowed, aliases: Aliases): Allowed {
  const opened = names.filter((name) => opensAlias(name, allowed, aliases));
  return allowed === null ? null : [...allowed, ...opened.flatMap((name) => modelsOfName(name, aliases))];
}

function opensAlias(name: string, allowed: Allowed, aliases: Aliases): boolean {
  return Object.hasOwn(aliases, name) && (allowed === null || allowed.some((pattern) => matchesPattern(pattern, name)));
}
