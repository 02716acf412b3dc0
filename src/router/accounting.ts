import type { TerminalOutcome } from '../contracts/event.ts';
import type { RaceVerdict } from '../contracts/race.ts';
import type { ShadowPair } from '../contracts/rollout.ts';
import { uuidv7 } from '../platform/core/ids.ts';
import type { Clock } from '../platform/core/clock.ts';
import type { FeatureScrambler } from '../platform/security/feature-scrambler.ts';
import type { Endpoint } from '../platform/providers/definitions.ts';
import { createSeries, type Metrics } from '../platform/telemetry/metrics.ts';
import type { Decision, DecisionStep } from './decide.ts';
import { costUsd, type TokenUsage } from './predict/cost.ts';
import {
  attemptEvent,
  type AttemptOutcome,
  pairEvent,
  routedEvent,
  uncalledAttempt,
  verdictEvent,
} from './publish/events.ts';
import type { Publisher } from './publish/publisher.ts';

/** How a client's request ended; `refused`: its provider found it wrong, or a limit of its key did not suffice. */
export type RequestOutcome = TerminalOutcome | 'refused';

/** Every decision and every end of an attempt, counted and published. */
export interface Accounting {
  decided(decision: Decision): void;
  ended(decision: Decision, attempt: AttemptOutcome): void;
  /** A request of a client is over; `step`: who answered, or was chosen where nobody did. Not told of lanes and copies. */
  answered(decision: Decision, surface: Endpoint, step: DecisionStep, outcome: RequestOutcome): void;
  /** The chosen model was not called after all: its circuit was open, a limit was reached, or the client left. */
  notCalled(decision: Decision, reason: string): void;
  /** A race was decided and one of its lanes has ended; `label`: the quality of its answer, where the race judged it. */
  raced(decision: Decision, verdict: RaceVerdict, outcome: TerminalOutcome, label: number | null): void;
  /** A copy has been compared with the answer that its user got. */
  compared(copy: Decision, pair: ShadowPair, outcome: TerminalOutcome): void;
}

export interface AccountingOptions {
  instanceId: string;
  publisher: Publisher;
  /** Makes what is logged of prompts unreadable; null: nothing is logged of them. */
  scrambler: () => FeatureScrambler | null;
  clock: Clock;
  metrics: Metrics;
}

export function createAccounting(options: AccountingOptions): Accounting {
  const { instanceId, publisher, scrambler, clock, metrics } = options;
  const decisions = createSeries(metrics.counter('signalbox_router_decisions_total'));
  const attempts = createSeries(metrics.counter('signalbox_router_attempts_total'));
  const fallbacks = metrics.counter('signalbox_router_fallbacks_total');
  const hedges = metrics.counter('signalbox_router_hedges_total');
  const unpriced = createSeries(metrics.counter('signalbox_router_unpriced_answers_total'));
  const lanes = createSeries(metrics.counter('signalbox_router_race_lanes_total'));
  const copies = createSeries(metrics.counter('signalbox_router_shadow_calls_total'));
  const firstToken = createSeries(metrics.histogram('signalbox_router_time_to_first_token_seconds'));
  const perOutputToken = createSeries(metrics.histogram('signalbox_router_time_per_output_token_seconds'));
  const durations = createSeries(metrics.histogram('signalbox_router_attempt_duration_seconds'));
  const tokens = createSeries(metrics.counter('signalbox_router_tokens_total'));
  const costs = createSeries(metrics.counter('signalbox_router_cost_usd_total'));
  const requests = createSeries(metrics.counter('signalbox_router_requests_total'));

  function measure(provider: string, model: string, attempt: AttemptOutcome): void {
    const { outcome, responseTimeMs, timeToFirstTokenMs, usage } = attempt;
    durations(provider, model, outcome).observe(responseTimeMs / 1000);
    if (timeToFirstTokenMs !== null) firstToken(provider, model).observe(timeToFirstTokenMs / 1000);
    if (usage === null) return;
    tokens(provider, model, 'input').inc(usage.inputTokens);
    tokens(provider, model, 'output').inc(usage.outputTokens);
    if (usage.cachedInputTokens > 0) tokens(provider, model, 'cached_input').inc(usage.cachedInputTokens);
    if (usage.reasoningTokens > 0) tokens(provider, model, 'reasoning').inc(usage.reasoningTokens);
    const perTokenMs = msPerOutputToken(attempt);
    if (perTokenMs !== null) perOutputToken(provider, model).observe(perTokenMs / 1000);
  }

  const eventBase = () => ({ instance_id: instanceId, event_id: uuidv7(clock.nowMs()) });

  return {
    decided(decision) {
      const { query_type, complexity } = decision.classification;
      decisions(query_type, complexity, decision.origin).inc();
      publisher.publish(routedEvent(decision, eventBase(), scrambler()));
    },
    ended(decision, attempt) {
      const provider = metrics.boundedLabel('provider', attempt.step.providerName);
      const model = metrics.boundedLabel('model', attempt.step.modelId);
      publisher.publish(attemptEvent(decision, attempt, eventBase()));
      if (attempt.costUsd !== null) costs(provider, model, decision.origin).inc(attempt.costUsd);
      if (decision.origin === 'shadow') {
        copies(provider, model, attempt.outcome).inc();
        return;
      }
      attempts(provider, model, attempt.outcome).inc();
      measure(provider, model, attempt);
      if (attempt.isHedge) hedges.inc();
      if (attempt.outcome === 'success' && attempt.step !== decision.chain[0]) fallbacks.inc();
      if (attempt.outcome === 'success' && attempt.costUsd === null) unpriced(provider, model).inc();
    },
    answered({ origin }, surface, step, outcome) {
      if (origin === 'race' || origin === 'shadow') return;
      const provider = metrics.boundedLabel('provider', step.providerName);
      requests(surface, provider, metrics.boundedLabel('model', step.modelId), outcome).inc();
    },
    notCalled(decision, reason) {
      publisher.publish(attemptEvent(decision, uncalledAttempt(decision, reason), eventBase()));
    },
    raced(decision, verdict, outcome, label) {
      if (decision.race === null) return;
      lanes(decision.race.strategy, verdict.status).inc();
      publisher.publish(verdictEvent(decision, { ...decision.race, verdict }, outcome, label, eventBase()));
    },
    compared(copy, pair, outcome) {
      if (copy.rollout === null) return;
      publisher.publish(pairEvent(copy, { ...copy.rollout, pair }, outcome, eventBase()));
    },
  };
}

/** Mean time between the tokens of a whole stream, after the first, in milliseconds; null where it is not known. */
export function msPerOutputToken(attempt: AttemptOutcome): number | null {
  const { outcome, responseTimeMs, timeToFirstTokenMs, usage, usageEstimated } = attempt;
  if (outcome !== 'success' || timeToFirstTokenMs === null || usage === null || usageEstimated) return null;
  return usage.outputTokens < 2 ? null : (responseTimeMs - timeToFirstTokenMs) / (usage.outputTokens - 1);
}

/** Kinds whose own word for the cost of a call is what they charge. */
const chargesAsReported: ReadonlySet<string> = new Set(['openrouter', 'xai']);

/** Cost of a call in USD, as its provider reported it or by the catalogue's prices; null where neither is known. */
export function priceOf(
  { entry }: DecisionStep,
  usage: TokenUsage | null,
  reportedUsd: number | null = null,
): number | null {
  if (entry === null) return null;
  if (reportedUsd !== null && chargesAsReported.has(entry.provider.kind)) return reportedUsd;
  return usage === null ? null : costUsd(usage, entry.model.costs);
}
