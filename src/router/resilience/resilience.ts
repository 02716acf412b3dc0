import type { Config } from '../../platform/config/load.ts';
import { derive, type Live } from '../../platform/core/live.ts';
import { createAdaptiveThrottle, type ThrottleState } from './adaptive-throttle.ts';
import type { CallTargets } from './call-targets.ts';
import { type CallEnd, verdictOf } from './call-verdict.ts';
import type { CircuitCheck } from './circuit.ts';
import { type ConcurrencyState, createConcurrencyLimit, type Release } from './concurrency-limit.ts';
import { createHedgeBudget, type HedgeBudget, hedgeDelayMs } from './hedge.ts';
import { createOutlierEjection, type EjectionState } from './outlier-ejection.ts';
import { createRetryBudget, type RetryBudget } from './retry-budget.ts';
import { type Plan, usableSteps } from './usable-steps.ts';

/**
 * What stands between the chain and its providers. All times are of one clock that never steps back.
 *
 * For each request `usable` and `retries.deposit`; for each of its calls `acquire`, `beforeCall`, the call, `afterCall`
 * once it is known whether the model answers, and the release when nothing more will come.
 */
export interface Resilience {
  /** The steps of a chain to try, in their order. Claims nothing, and gives the same array where all are well. */
  usable<Step extends { targets: CallTargets }>(steps: readonly Step[], nowMs: number): Plan<Step>;
  /** Whether none of the targets is ejected, to choose among several keys. Claims nothing. */
  isUsable(targets: CallTargets, nowMs: number): boolean;
  /**
   * Takes one of the provider's places, at once where there is room; `maxWaitMs` may shorten the configured wait.
   *
   * The promise rejects with `ConcurrencyRefusal`.
   */
  acquire(targets: CallTargets, signal: AbortSignal, maxWaitMs?: number): Release | Promise<Release>;
  /**
   * Whether a call may be made now: null, or why not. Where it is the probe of an ejected target, it is claimed; so
   * `afterCall` must follow, whatever happens. In a panic nothing counts as ejected.
   */
  beforeCall(targets: CallTargets, isPanic: boolean, nowMs: number): 'ejected' | 'throttled' | null;
  /** How the call ended that `beforeCall` let through at `startedAtMs`. */
  afterCall(targets: CallTargets, end: CallEnd, startedAtMs: number, nowMs: number): void;
  readonly retries: RetryBudget;
  readonly hedges: HedgeBudget;
  /** Milliseconds after which to send a second call; null: none. `p95Ms`: of the model's time to the first token. */
  hedgeDelayMs(p95Ms: number | null): number | null;
  /** Begins anew with a provider that is reached otherwise than before: what is known is of other servers or keys. */
  forget(provider: string): void;
  /** For metrics: what is not as it should be, each list of at most 200. */
  states(nowMs: number): ResilienceStates;
}

export interface ResilienceStates {
  ejected: EjectionState[];
  throttled: ThrottleState[];
  underWay: ConcurrencyState[];
}

/** Of the places of a provider, those that models on trial may take. */
const trialShare = 0.25;

/** The configuration in the words of the parts. */
function optionsFrom({ ejection, throttle, concurrency, retry_budget: retries, hedge }: Config['resilience']) {
  return {
    ejection: {
      consecutiveFailures: ejection.consecutive_failures,
      windowMs: ejection.window_ms,
      minRequests: ejection.min_requests,
      failureRate: ejection.failure_rate,
      baseEjectionMs: ejection.base_ejection_ms,
      maxEjectionMs: ejection.max_ejection_ms,
    },
    throttle: { k: throttle.k, windowMs: throttle.window_ms },
    concurrency: { limit: concurrency.per_provider, maxWaiting: concurrency.max_waiting },
    trials: { limit: Math.ceil(concurrency.per_provider * trialShare), maxWaiting: 0 },
    retries: { share: retries.share, minPerSecond: retries.min_per_second },
    hedges: { share: hedge.share },
    hedgeDelay: { minDelayMs: hedge.min_delay_ms, maxDelayMs: hedge.max_delay_ms },
  };
}

/** `random` is uniform in [0, 1). */
export function createResilience(config: Live<Config['resilience']>, random: () => number): Resilience {
  const options = derive(config, optionsFrom);
  const ejection = createOutlierEjection(() => options().ejection);
  const throttle = createAdaptiveThrottle(() => options().throttle, random);
  const concurrency = createConcurrencyLimit(() => options().concurrency);
  const trials = createConcurrencyLimit(() => options().trials);
  const retries = createRetryBudget(() => options().retries);
  const hedges = createHedgeBudget(() => options().hedges);

  /** The strictest of the three: a call is only as good as the worst that it depends on. */
  function check(targets: CallTargets, nowMs: number): CircuitCheck {
    const provider = ejection.check(targets.provider, nowMs);
    const key = ejection.check(targets.key, nowMs);
    const deployment = ejection.check(targets.deployment, nowMs);
    if (provider === 'ejected' || key === 'ejected' || deployment === 'ejected') return 'ejected';
    return provider === 'probe' || key === 'probe' || deployment === 'probe' ? 'probe' : 'closed';
  }

  /** There is another who can answer, so that nobody waits for it. */
  async function acquireForTrial({ provider }: CallTargets, signal: AbortSignal): Promise<Release> {
    const ofTrials = await trials.acquire(provider, signal, 0);
    try {
      const ofAll = await concurrency.acquire(provider, signal, 0);
      return () => {
        ofAll();
        ofTrials();
      };
    } catch (error) {
      ofTrials();
      throw error;
    }
  }

  return {
    usable: (steps, nowMs) =>
      usableSteps(steps, (step) => check(step.targets, nowMs) === 'ejected', config().ejection.max_ejected_share),

    isUsable: (targets, nowMs) => check(targets, nowMs) !== 'ejected',

    acquire: (targets, signal, maxWaitMs = Infinity) =>
      targets.isTrial === true
        ? acquireForTrial(targets, signal)
        : concurrency.acquire(targets.provider, signal, Math.min(maxWaitMs, config().concurrency.max_wait_ms)),

    beforeCall(targets, isPanic, nowMs) {
      const status = check(targets, nowMs);
      if (status === 'ejected' && !isPanic) return 'ejected';
      // A probe is not left to chance: it is rare, and what ends an ejection.
      if (status !== 'probe' && config().throttle.enabled && throttle.rejects(targets.deployment, nowMs)) {
        return 'throttled';
      }
      if (status !== 'closed') {
        ejection.begin(targets.provider, nowMs);
        ejection.begin(targets.key, nowMs);
        ejection.begin(targets.deployment, nowMs);
      }
      return null;
    },

    afterCall(targets, end, startedAtMs, nowMs) {
      const verdict = verdictOf(end);
      ejection.record(targets.provider, targets.isTrial === true ? 'neutral' : verdict.provider, startedAtMs, nowMs);
      ejection.record(targets.key, targets.isTrial === true ? 'neutral' : verdict.key, startedAtMs, nowMs);
      ejection.record(targets.deployment, verdict.deployment, startedAtMs, nowMs);
      if (verdict.isAccepted !== null) throttle.record(targets.deployment, verdict.isAccepted, nowMs);
      if (typeof end === 'object' && end.retryAfterSeconds !== null) {
        ejection.pause(targets.deployment, end.retryAfterSeconds * 1000, nowMs);
      }
    },

    retries,
    hedges,
    hedgeDelayMs: (p95Ms) => (config().hedge.enabled ? hedgeDelayMs(p95Ms, options().hedgeDelay) : null),

    forget(provider) {
      const isOfProvider = (target: string): boolean =>
        target === provider || target.startsWith(`${provider}#`) || target.startsWith(`${provider}/`);
      ejection.forget(isOfProvider);
      throttle.forget(isOfProvider);
    },

    states: (nowMs) => ({
      ejected: ejection.states(nowMs),
      throttled: throttle.states(nowMs),
      underWay: concurrency.states(),
    }),
  };
}
