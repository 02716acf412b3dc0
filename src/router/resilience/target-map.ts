/** More targets than any catalogue and its keys make. */
export const maxTargets = 10_000;
/** Longest list of states that is shown; a page with more tells nobody more. */
export const maxStates = 200;

/** Forgets what is known of the targets for which `matches` holds. */
export function deleteWhere(entries: Map<string, unknown>, matches: (target: string) => boolean): void {
  for (const target of entries.keys()) if (matches(target)) entries.delete(target);
}

/** What is known of a target, new where nothing is. Where the map is full, the one that was added first goes. */
export function entryOf<Entry>(entries: Map<string, Entry>, target: string, create: () => Entry): Entry {
  const known = entries.get(target);
  if (known !== undefined) return known;
  if (entries.size >= maxTargets) {
    const [oldest] = entries.keys();
    if (oldest !== undefined) entries.delete(oldest);
  }
  const entry = create();
  entries.set(target, entry);
  return entry;
}
