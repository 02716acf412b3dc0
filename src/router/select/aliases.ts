import type { Policy } from './policy.ts';

/** The models that a name stands for, in their order: those of an alias, or else itself. Pure. */
export function modelsOfName(name: string, aliases: Policy['aliases']): readonly string[] {
  return (Object.hasOwn(aliases, name) ? aliases[name] : undefined) ?? [name];
}
