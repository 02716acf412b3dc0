/** Deeper JSON overflows the stack of what walks or writes it, which may be `JSON.stringify`; far above that of real values. */
export const maxJsonDepth = 256;

/** Whether the arrays and objects of a value nest deeper than `limit`. Pure; looks no deeper than that. */
export function isDeeperThan(value: unknown, limit: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return limit === 0 || Object.values(value).some((child) => isDeeperThan(child, limit - 1));
}
