import { findTopics, topicShares } from '../topics.ts';
import type { EvaluationRow } from './rows.ts';

/** Which rows are learned from and which are tested then, as places; no row is in both. */
export interface Split {
  name: string;
  train: readonly number[];
  test: readonly number[];
}

/** More families than these are left out in groups. */
const mostGroups = 20;

/** Each fold is tested once, by what the others teach. */
export function foldSplits(rows: readonly EvaluationRow[]): Split[] {
  return splitsBy(
    rows,
    rows.map(({ fold }) => `fold ${fold}`),
  );
}

/** Whole families are tested, by what the others teach; many of them in groups of about equal size. */
export function familySplits(rows: readonly EvaluationRow[], families: readonly string[]): Split[] {
  const sizes = new Map<string, number>();
  for (const family of families) sizes.set(family, (sizes.get(family) ?? 0) + 1);
  if (sizes.size <= mostGroups) return splitsBy(rows, families);
  const loads = new Float64Array(mostGroups);
  const groups = new Map<string, string>();
  for (const [family, size] of [...sizes].sort(([a, sizeA], [b, sizeB]) => sizeB - sizeA || (a < b ? -1 : 1))) {
    const lightest = loads.indexOf(Math.min(...loads));
    loads[lightest] = (loads[lightest] as number) + size;
    groups.set(family, `group ${lightest + 1}`);
  }
  return splitsBy(
    rows,
    families.map((family) => groups.get(family) as string),
  );
}

/** The family of each row: its task where all have one, else the cluster of its prompt. */
export function familiesOf(rows: readonly EvaluationRow[]): string[] {
  if (rows.every(({ task }) => task !== null)) return rows.map(({ task }) => String(task));
  const topics = findTopics(rows.map(({ features }) => features));
  return rows.map(({ features }) => {
    const shares = topicShares(topics, features);
    return `cluster ${shares.indexOf(Math.max(...shares)) + 1}`;
  });
}

function splitsBy(rows: readonly EvaluationRow[], groups: readonly string[]): Split[] {
  return [...new Set(groups)].sort().map((name) => ({
    name,
    train: [...rows.keys()].filter((row) => groups[row] !== name && rows[row]?.counts === true),
    test: [...rows.keys()].filter((row) => groups[row] === name),
  }));
}
