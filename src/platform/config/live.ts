import type { Live } from '../core/live.ts';
import { keepUnchanged } from './change.ts';
import type { Config } from './load.ts';
import { deepFreeze } from './record.ts';
import { showConfig, type ShownConfig } from './show.ts';

/** What is known of the configuration in force. Plain data: workers hear of it as it is. */
export interface ConfigState {
  /** 1 from the start, and one more with each change. */
  version: number;
  /** ISO 8601. */
  loadedAt: string;
  file: string | null;
  /** Of the file that is in force: equal files have equal ones. Null: no file. */
  fileHash: string | null;
  /** Why the newest file is not in force; null: it is. */
  problem: string | null;
  /** Settings of the newest file that wait for a restart. */
  needsRestart: readonly string[];
  /** As it may be shown. */
  settings: ShownConfig;
}

/** The configuration in force. */
export interface LiveConfig {
  readonly current: Live<Config>;
  state(): ConfigState;
  /** Calls back after every change of either. */
  onChange(listener: (now: Config, before: Config) => void): void;
}

/** As who changes it sees it. */
export interface ConfigHolder extends LiveConfig {
  /** Puts a configuration in force, whole; what has not changed stays the same object. */
  set(config: Config, state: ConfigState): void;
}

export function createLiveConfig(initial: Config, initialState = firstState(initial, null)): ConfigHolder {
  const listeners: Array<(now: Config, before: Config) => void> = [];
  let config = initial;
  let state = initialState;
  return {
    current: () => config,
    state: () => state,
    onChange: (listener) => void listeners.push(listener),
    set(wanted, newState) {
      const before = config;
      config = deepFreeze(keepUnchanged(before, wanted));
      state = newState;
      for (const listener of listeners) listener(config, before);
    },
  };
}

export function firstState(config: Config, fileHash: string | null): ConfigState {
  return {
    version: 1,
    loadedAt: new Date().toISOString(),
    file: config.config_file,
    fileHash,
    problem: null,
    needsRestart: [],
    settings: showConfig(config),
  };
}
