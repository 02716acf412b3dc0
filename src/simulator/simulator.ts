import { type Clock, systemClock } from '../platform/core/clock.ts';
import { messageOf, StartupError } from '../platform/core/errors.ts';
import type { Service } from '../platform/core/service.ts';
import type { Logger } from '../platform/telemetry/logger.ts';
import { createApi } from './api/server.ts';
import { defaultProfiles } from './default-profiles.ts';
import { createEngine } from './engine.ts';
import { baseProfile, type ModelProfile } from './profile.ts';
import { loadReplay, type Replay } from './replay.ts';

export interface SimulatorOptions {
  host: string;
  /** 0 for any free port. */
  port: number;
  /** Equal seeds give equal answers and failures to equal sequences of requests. */
  seed: number | string;
  /** Factor on all simulated times: 1 as in the profiles, 0 for none. */
  timeScale?: number;
  /** In place of the default profiles. */
  profiles?: readonly ModelProfile[];
  /** Recorded answers, as in `loadReplay`; its models are served too. */
  replayFile?: string;
  log: Logger;
  clock?: Clock;
}

export interface Simulator extends Service {
  /** Origin such as `http://127.0.0.1:4010`, without `/v1`; throws before the start. */
  readonly baseUrl: string;
  /** The port that is listened on; throws before the start. */
  readonly port: number;
}

function withRecordedModels(profiles: readonly ModelProfile[], replay: Replay | undefined): ModelProfile[] {
  const known = new Set(profiles.map((profile) => profile.id));
  const recorded = (replay?.models ?? []).filter((id) => !known.has(id));
  return [...profiles, ...recorded.map(baseProfile)];
}

/**
 * A server that behaves like OpenAI, Anthropic and Ollama towards a client, with models that are slow, wrong and broken
 * exactly as their profiles say. `start` throws `StartupError` for a bad replay file or a port that cannot be had.
 */
export function createSimulator(options: SimulatorOptions): Simulator {
  const { host, seed, timeScale = 1, profiles = defaultProfiles, replayFile, log, clock = systemClock } = options;
  let running: { close(): Promise<void>; port: number } | undefined;

  function listening(): { port: number } {
    if (running === undefined) throw new Error('the simulator is not running');
    return running;
  }

  return {
    name: 'simulator',
    get baseUrl() {
      return `http://${host.includes(':') ? `[${host}]` : host}:${listening().port}`;
    },
    get port() {
      return listening().port;
    },
    async start() {
      const replay = replayFile === undefined ? undefined : await loadReplay(replayFile);
      const engine = createEngine({ profiles: withRecordedModels(profiles, replay), seed, timeScale, replay, clock });
      const api = createApi(engine, log);
      try {
        await api.listen({ host, port: options.port });
      } catch (error) {
        throw new StartupError(`the simulator cannot listen on ${host}:${options.port}: ${messageOf(error)}`, {
          cause: error,
        });
      }
      const address = api.addresses()[0];
      const port = typeof address === 'object' ? address.port : options.port;
      running = { port, close: () => api.close() };
      log.info({ port }, 'simulated providers are ready');
    },
    async stop() {
      const stopping = running;
      running = undefined;
      await stopping?.close();
    },
  };
}
