export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path of keys; undefined where there is none. */
export function valueAt(record: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (isRecord(value) ? value[key] : undefined), record);
}

/** The same with another value at a path; where that is undefined, without one. */
export function withValueAt<T extends object>(record: T, path: readonly string[], value: unknown): T {
  const [key, ...rest] = path;
  if (key === undefined) return record;
  const { [key]: child, ...others } = record as Record<string, unknown>;
  const changed = rest.length === 0 ? value : withValueAt(isRecord(child) ? child : {}, rest, value);
  return (changed === undefined ? others : { ...record, [key]: changed }) as T;
}

/** Objects are merged key by key, all else is replaced. A key `__proto__` is one like any other. */
export function mergeRecords(base: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const changes = Object.entries(over).map(([key, value]) => {
    const current = Object.hasOwn(base, key) ? base[key] : undefined;
    return [key, isRecord(current) && isRecord(value) ? mergeRecords(current, value) : value] as const;
  });
  // Not by assignment, which would make the value of `__proto__` the prototype.
  return Object.fromEntries([...Object.entries(base), ...changes]);
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
