import { isDeepStrictEqual } from 'node:util';
import type { Provider } from '../../platform/providers/definitions.ts';

/** Names of the providers that have another address or other keys than before. */
export function reachedOtherwise(now: readonly Provider[], before: readonly Provider[]): string[] {
  if (now === before) return [];
  const known = new Map(before.map((provider) => [provider.name, provider]));
  return now
    .filter(({ name, baseUrl, apiKeys }) => {
      const old = known.get(name);
      return old !== undefined && !isDeepStrictEqual([baseUrl, apiKeys], [old.baseUrl, old.apiKeys]);
    })
    .map(({ name }) => name);
}
