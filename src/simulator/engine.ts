import { createHash } from 'node:crypto';
import type { Clock } from '../platform/core/clock.ts';
import { createRandom } from '../statistics/random.ts';
import { createBoundedMap } from './bounded-map.ts';
import { createFaultRules, type Fault, type FaultRules } from './faults.ts';
import { createIdentifier, generate, type Generation } from './generate/generation.ts';
import { type GenerationRequest, normalisePrompt } from './generate/request.ts';
import { baseProfile, type Dialect, type ModelProfile, profileAt } from './profile.ts';
import type { ProfileChanges } from './profiles.ts';
import { createPromptCache, type PromptCacheUse } from './prompt-cache.ts';
import type { Replay } from './replay.ts';
import { createStats, type SimulatorStats } from './stats.ts';

/** Most (model, prompt) pairs whose calls are counted; the ones unused for longest start again at 0. */
const maxCounters = 20_000;
const maxModels = 1000;

export interface EngineOptions {
  profiles: readonly ModelProfile[];
  seed: number | string;
  /** Factor on all simulated times; 0 for none. */
  timeScale: number;
  replay: Replay | undefined;
  clock: Clock;
}

/** How long a call takes, scaled. */
export interface Pace {
  firstTokenMs: number;
  perTokenMs: number;
}

/** The answer to one request, ready to be sent. */
export interface Call {
  /** 24 letters and digits. */
  id: string;
  model: string;
  createdAtS: number;
  generations: Generation[];
  promptTokens: number;
  cache: PromptCacheUse;
  completionTokens: number;
  pace: Pace;
  fault: Fault | undefined;
}

/** The simulated models: what they answer, when, and whether they fail. Knows nothing of HTTP. */
export interface Engine {
  readonly faults: FaultRules;
  readonly stats: SimulatorStats;
  /** The model as it is now, with what its schedule has changed. */
  findModel(id: string): (ModelProfile & { outage: boolean }) | undefined;
  listModels(dialect: Dialect): ModelProfile[];
  /** Brings out a model, or changes one; false where there are too many. Reset by `reset`. */
  changeModel(changes: ProfileChanges): boolean;
  /** `fault` is what the request itself asks for; it comes before rules, outages and the error rate. */
  answer(request: GenerationRequest, fault: Fault | undefined): Call;
  /** The same for a request without generated text: only pace and fault. */
  attempt(model: string, text: string, fault: Fault | undefined): Pick<Call, 'pace' | 'fault'>;
  /** All models of the dialect are in an outage. */
  isOut(dialect: Dialect): boolean;
  replayCounts(): { hits: number; misses: number } | null;
  uptimeS(): number;
  /** As after the start: models, counters, cache, faults, statistics and the schedule. */
  reset(): void;
}

export function createEngine(options: EngineOptions): Engine {
  const { seed, timeScale, replay, clock } = options;
  const profiles = new Map<string, ModelProfile>();
  putProfilesBack();
  const counters = createBoundedMap<string, number>(maxCounters);
  const cache = createPromptCache();
  const faults = createFaultRules(`${seed}\nfaults`);
  const stats = createStats();
  let replayed = { hits: 0, misses: 0 };
  let startedMs = clock.monotonicMs();

  function putProfilesBack(): void {
    profiles.clear();
    for (const profile of options.profiles) profiles.set(profile.id, profile);
  }

  function findModel(id: string): (ModelProfile & { outage: boolean }) | undefined {
    const profile = profiles.get(id);
    return profile === undefined ? undefined : profileAt(profile, clock.monotonicMs() - startedMs);
  }

  function currentModel(id: string): ModelProfile & { outage: boolean } {
    const profile = findModel(id);
    if (profile === undefined) throw new Error(`no profile for ${id}`);
    return profile;
  }

  function listModels(dialect: Dialect): ModelProfile[] {
    return [...profiles.values()].filter((profile) => profile.dialects.includes(dialect));
  }

  /** The seed of one call: the same for the n-th call with this model and prompt. */
  function nextCallSeed(model: string, prompt: string): string {
    const key = createHash('sha256')
      .update(`${model}\n${normalisePrompt(prompt)}`)
      .digest('base64');
    const count = counters.get(key) ?? 0;
    counters.set(key, count + 1);
    return `${seed}\n${key}\n${count}`;
  }

  function drawFault(profile: ModelProfile & { outage: boolean }, callSeed: string): Fault | undefined {
    const rule = faults.take('generation', profile.id);
    if (rule !== undefined) return rule;
    if (profile.outage) return { kind: 'http', status: 503, retryAfterSeconds: undefined };
    const random = createRandom(`${callSeed}\nerror`);
    if (!random.chance(profile.error_rate)) return undefined;
    const overloaded = profile.dialects.includes('anthropic') ? 529 : 503;
    return { kind: 'http', status: random.chance(0.7) ? 500 : overloaded, retryAfterSeconds: undefined };
  }

  function drawPace(profile: ModelProfile, callSeed: string, fault: Fault | undefined): Pace {
    const random = createRandom(`${callSeed}\npace`);
    const scale = fault?.kind === 'slow' ? Math.max(timeScale, 1) * 10 : timeScale;
    const { median, p95 } = profile.ttft_ms;
    return {
      firstTokenMs: Math.min(random.logNormal(median, p95), p95 * 4) * scale,
      perTokenMs: profile.time_per_output_token_ms * scale,
    };
  }

  function recordedAnswer(request: GenerationRequest, callSeed: string): string | undefined {
    if (replay === undefined) return undefined;
    const recorded = replay.find(request.prompt, request.model, createRandom(`${callSeed}\nreplay`));
    if (recorded === undefined) replayed.misses += 1;
    else replayed.hits += 1;
    return recorded;
  }

  return {
    faults,
    stats,
    findModel,
    listModels,
    answer(request, fault) {
      const profile = currentModel(request.model);
      const callSeed = nextCallSeed(request.model, request.prompt);
      const chosenFault = fault ?? drawFault(profile, callSeed);
      const random = createRandom(`${callSeed}\nanswer`);
      const recorded = recordedAnswer(request, callSeed);
      const generations = Array.from({ length: request.count }, () => generate(request, profile, random, recorded));
      return {
        id: createIdentifier(random),
        model: request.model,
        createdAtS: Math.floor(clock.nowMs() / 1000),
        generations,
        promptTokens: request.segments.reduce((sum, segment) => sum + segment.tokens, 0),
        cache: cache.use(request.model, request.segments),
        completionTokens: generations.reduce((sum, generation) => sum + generation.outputTokens, 0),
        pace: drawPace(profile, callSeed, chosenFault),
        fault: chosenFault,
      };
    },
    attempt(model, text, fault) {
      const profile = currentModel(model);
      const callSeed = nextCallSeed(model, text);
      const chosenFault = fault ?? drawFault(profile, callSeed);
      return { pace: drawPace(profile, callSeed, chosenFault), fault: chosenFault };
    },
    isOut(dialect) {
      const models = listModels(dialect);
      return models.length > 0 && models.every((profile) => findModel(profile.id)?.outage === true);
    },
    replayCounts: () => (replay === undefined ? null : { ...replayed }),
    uptimeS: () => (clock.monotonicMs() - startedMs) / 1000,
    changeModel(changes) {
      const known = profiles.get(changes.id);
      if (known === undefined && profiles.size >= maxModels) return false;
      profiles.set(changes.id, { ...(known ?? baseProfile(changes.id)), ...changes });
      return true;
    },
    reset() {
      putProfilesBack();
      counters.clear();
      cache.clear();
      faults.clear();
      stats.reset();
      replayed = { hits: 0, misses: 0 };
      startedMs = clock.monotonicMs();
    },
  };
}
