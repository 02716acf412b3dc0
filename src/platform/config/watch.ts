import { readFile } from 'node:fs/promises';
import { sleep } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { createLoop } from '../core/loop.ts';
import type { Service } from '../core/service.ts';
import type { Logger } from '../telemetry/logger.ts';
import { changesBetween, takeOver } from './change.ts';
import type { ConfigHolder } from './live.ts';
import {
  type ConfigReading,
  configPath,
  hashOfFile,
  type LoadOptions,
  readConfig,
  readConfigText,
  unsafeToListen,
} from './load.ts';
import { describeProblems } from './problem.ts';
import { hashOfSecretFiles } from './secret-files.ts';
import { showConfig } from './show.ts';

export interface ConfigWatcherOptions {
  live: ConfigHolder;
  /** As the configuration was loaded at the start. */
  load: LoadOptions;
  log: Logger;
}

export interface ConfigWatcher extends Service {
  /** Reads the file now, and says what became of it even where it is as before. */
  reload(): void;
}

/** What a look at the file found; `hash` is that of its content, or says why there is none, and of the secret files. */
interface Look {
  hash: string;
  content: Buffer | null;
  failure: string;
}

const absent = 'absent';
/** How often the file is looked at. */
const intervalMs = 1000;
/** A file that is being written is not as before after so long. */
const settleMs = 150;

/**
 * Reads the configuration file and those of secrets again and again, and puts them in force where their content has changed
 * and is right. The content is compared, and not what the file system tells of it: so it does not matter whether the
 * file was written, replaced, or is a link that now leads elsewhere, nor on what kind of disk it lies.
 */
export function createConfigWatcher({ live, load, log }: ConfigWatcherOptions): ConfigWatcher {
  const { path } = configPath(load);
  const { env = process.env } = load;
  const withSecrets = (hash: string): string => `${hash} ${hashOfSecretFiles(env)}`;
  /** Of the content that was looked at last, good or bad. */
  let seen = withSecrets(live.state().fileHash ?? absent);
  let isAsked = false;

  async function look(): Promise<Look> {
    try {
      const content = await readFile(path);
      return { hash: withSecrets(hashOfFile(content)), content, failure: '' };
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      return code === 'ENOENT'
        ? { hash: withSecrets(absent), content: null, failure: `configuration file ${path} does not exist` }
        : { hash: withSecrets(code), content: null, failure: messageOf(error) };
    }
  }

  async function runOnce(): Promise<'again' | void> {
    const { hash, content, failure } = await look();
    if (hash === seen && !isAsked) return;
    await sleep(settleMs);
    if ((await look()).hash !== hash) return 'again';
    isAsked = false;
    seen = hash;
    if (content !== null) apply(readConfigText(load, path, content));
    // Whoever removes a file does not ask for defaults: what was in it stays.
    else if (live.state().file !== null) refuse(failure);
    else apply(readConfig(load));
  }

  function apply({ config: wanted, problems, file, fileHash }: ConfigReading): void {
    if (wanted === null) return refuse(describeProblems(problems, file));
    const { config, needsRestart } = takeOver(live.current(), wanted);
    const unsafe = unsafeToListen(config);
    if (unsafe !== null) return refuse(unsafe);
    const state = live.state();
    const settings = showConfig(config);
    const changed = changesBetween(state.settings, settings).map((change) => change.path);
    const isNew = config !== live.current() || fileHash !== state.fileHash;
    const version = isNew ? state.version + 1 : state.version;
    const loadedAt = isNew ? new Date().toISOString() : state.loadedAt;
    live.set(config, { version, loadedAt, file, fileHash, problem: null, needsRestart, settings });
    log.info({ file, file_hash: fileHash, config_version: version, changed }, 'configuration is in force');
    if (needsRestart.length > 0) log.warn({ file, settings: needsRestart }, 'settings wait for a restart');
  }

  function refuse(problem: string): void {
    log.error({ file: path, problem }, 'configuration not taken over: the one before stays in force');
    live.set(live.current(), { ...live.state(), problem });
  }

  const loop = createLoop({ name: 'configuration file', intervalMs, maxBackoffMs: 10_000, runOnce, log });
  return {
    name: loop.name,
    start: () => loop.start(),
    stop: () => loop.stop(),
    reload() {
      isAsked = true;
      loop.wake();
    },
  };
}
