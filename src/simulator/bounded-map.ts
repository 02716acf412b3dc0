/** A map that keeps the `limit` most recently used entries; reading or writing an entry makes it the most recent. */
export interface BoundedMap<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
  clear(): void;
}

export function createBoundedMap<K, V>(limit: number): BoundedMap<K, V> {
  const entries = new Map<K, V>();

  /** A Map iterates in the order of insertion, so inserting anew is what makes an entry the most recent. */
  function set(key: K, value: V): void {
    entries.delete(key);
    entries.set(key, value);
    if (entries.size > limit) {
      const oldest = entries.keys().next();
      if (oldest.done !== true) entries.delete(oldest.value);
    }
  }

  return {
    get(key) {
      const value = entries.get(key);
      if (value !== undefined) set(key, value);
      return value;
    },
    set,
    clear: () => entries.clear(),
  };
}
