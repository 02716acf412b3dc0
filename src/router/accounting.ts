import type { TerminalOutcome } from '../contracts/event.ts';
import type { RaceVerdict } from '../contracts/race.ts';
import type { ShadowPair } from '../contracts/rollout.ts';
import { uuidv7 } from '../platform/core/ids.ts';
import type { Clock } from '../platform/core/clock.ts';
import type { FeatureScrambler } from '../platform/security/feature-scrambler.ts';
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

/** Every decision and every end of an attempt, counted and published. */
export interface Accounting {
  decided(decision: Decision): void;
  ended(decision: Decision, attempt: AttemptOutcome): void;
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
  const decisions = createSeries(
    metrics.counter('signalbox_router_decisions_total', 'Decisions made.', ['query_type', 'complexity', 'origin']),
  );
  const attempts = createSeries(
    metrics.counter('signalbox_router_attempts_total', 'Calls of providers by their end.', [
      'provider',
      'model',
      'outcome',
    ]),
  );
  const fallbacks = metrics.counter(
    'signalbox_router_fallbacks_total',
    'Answers given by another model than the chosen one.',
  );
  const hedges = metrics.counter('signalbox_router_hedges_total', 'Second calls because the first token was late.');
  const unpriced = createSeries(
    metrics.counter('signalbox_router_unpriced_answers_total', 'Answers of models whose price is unknown.', [
      'provider',
      'model',
    ]),
  );
  const lanes = createSeries(
    metrics.counter('signalbox_router_race_lanes_total', 'Lanes of races by how they ended.', ['strategy', 'status']),
  );
  const copies = createSeries(
    metrics.counter(
      'signalbox_router_shadow_calls_total',
      'Calls of models on trial and of their judge, of which no user sees anything, by their end.',
      ['provider', 'model', 'outcome'],
    ),
  );
  const firstToken = createSeries(
    metrics.histogram('signalbox_router_time_to_first_token_seconds', 'From the call to the first content token.', [
      'provider',
      'model',
    ]),
  );
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
      if (decision.origin === 'shadow') {
        copies(provider, model, attempt.outcome).inc();
        return;
      }
      attempts(provider, model, attempt.outcome).inc();
      if (attempt.timeToFirstTokenMs !== null) firstToken(provider, model).observe(attempt.timeToFirstTokenMs / 1000);
      if (attempt.isHedge) hedges.inc();
      if (attempt.outcome === 'success' && attempt.step !== decision.chain[0]) fallbacks.inc();
      if (attempt.outcome === 'success' && attempt.costUsd === null) unpriced(provider, model).inc();
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
