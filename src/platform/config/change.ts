import { isDeepStrictEqual } from 'node:util';
import type { Config } from './load.ts';
import { isRecord, valueAt, withValueAt } from './record.ts';
import { settings } from './settings.ts';
import { flattenConfig, type ShownConfig } from './show.ts';

/** A setting with another value; null where there is none. */
export interface SettingChange {
  path: string;
  before: string | null;
  after: string | null;
  needsRestart: boolean;
}

/** Paths whose change only a restart takes. */
const restartPaths = (): string[] =>
  settings()
    .filter(({ needsRestart }) => needsRestart)
    .map(({ path }) => path);

/** What differs between two configurations, in the order of their paths. */
export function changesBetween(before: ShownConfig, after: ShownConfig): SettingChange[] {
  const [old, wanted] = [flattenConfig(before), flattenConfig(after)];
  const restart = new Set(restartPaths());
  return [...new Set([...old.keys(), ...wanted.keys()])]
    .filter((path) => old.get(path) !== wanted.get(path))
    .sort()
    .map((path) => ({
      path,
      before: old.get(path) ?? null,
      after: wanted.get(path) ?? null,
      needsRestart: restart.has(path),
    }));
}

/**
 * What a running process makes of a new configuration: the new one, but for the settings that only a restart takes, which
 * stay as they are. What has not changed is the same object as before. Pure.
 */
export function takeOver(before: Config, wanted: Config): { config: Config; needsRestart: string[] } {
  const needsRestart = restartPaths().filter((path) => {
    const keys = path.split('.');
    return !isDeepStrictEqual(valueAt(before, keys), valueAt(wanted, keys));
  });
  const possible = needsRestart.reduce((config, path) => {
    const keys = path.split('.');
    return withValueAt(config, keys, valueAt(before, keys));
  }, wanted);
  return { config: keepUnchanged(before, possible), needsRestart };
}

/** `after`, made of the parts of `before` wherever these are equal, so that who asks sees at once what is new. Pure. */
export function keepUnchanged<T>(before: T, after: T): T {
  if (isDeepStrictEqual(before, after)) return before;
  if (!isRecord(before) || !isRecord(after)) return after;
  const entries = Object.entries(after).map(([key, value]) => [key, keepUnchanged(before[key], value)]);
  return Object.fromEntries(entries) as T;
}
