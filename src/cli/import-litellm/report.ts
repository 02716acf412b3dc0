/** What became of one setting of the imported file. */
export interface Finding {
  /** `carried`: as it was; `differs`: in another way, or not needed; `missing`: there is none; `unknown`: not known here. */
  kind: 'carried' | 'differs' | 'missing' | 'unknown';
  /** Where it stands in the imported file. */
  path: readonly PropertyKey[];
  /** What it became, or what to do instead. Never holds its value. */
  text: string;
}

/** Collects what became of each setting, and knows which were never spoken of. */
export interface Report {
  add(kind: Finding['kind'], path: readonly PropertyKey[], text: string): void;
  /** All findings, those of settings that nobody spoke of as `unknown`, in the order of the file. */
  findings(): Finding[];
}

/** `leaves`: the paths of all values of the file. What is said of a path holds for all below it. */
export function createReport(leaves: ReadonlyArray<readonly PropertyKey[]>): Report {
  const findings: Finding[] = [];
  return {
    add: (kind, path, text) => void findings.push({ kind, path, text }),
    findings() {
      const spoken = new Set(findings.map(({ path }) => keyOf(path)));
      const silent = leaves
        .filter((leaf) => !leaf.some((_, depth) => spoken.has(keyOf(leaf.slice(0, depth + 1)))))
        .map((path): Finding => ({ kind: 'unknown', path, text: 'not known here, and not carried over' }));
      const places = new Map(leaves.map((leaf, index) => [keyOf(leaf), index]));
      const placeOf = ({ path }: Finding): number => {
        const first = leaves.findIndex((leaf) => keyOf(leaf.slice(0, path.length)) === keyOf(path));
        return places.get(keyOf(path)) ?? (first === -1 ? leaves.length : first);
      };
      return [...findings, ...silent]
        .map((finding) => ({ finding, place: placeOf(finding) }))
        .sort((a, b) => a.place - b.place)
        .map(({ finding }) => finding);
    },
  };
}

const keyOf = (path: readonly PropertyKey[]): string => JSON.stringify(path.map(String));

/** The paths of all values; what is null says nothing. */
export function leavesOf(value: unknown, path: readonly PropertyKey[] = []): Array<readonly PropertyKey[]> {
  if (value === null) return [];
  const children = typeof value === 'object' ? Object.entries(value as Record<string, unknown>) : [];
  return children.length === 0 ? [path] : children.flatMap(([key, child]) => leavesOf(child, [...path, key]));
}
