import type { TerminalOutcome } from '../contracts/event.ts';
import type { ChatCompletionRequest } from '../contracts/openai.ts';
import { uuidv7 } from '../platform/core/ids.ts';
import type { Clock } from '../platform/core/clock.ts';
import { SignalboxError } from '../platform/core/errors.ts';
import type { Config } from '../platform/config/load.ts';
import type { Metrics } from '../platform/telemetry/metrics.ts';
import { type Decision, type DecisionRequest, type DecisionStep, decide } from './decide.ts';
import { costUsd, type TokenUsage } from './predict/cost.ts';
import type { LatencyTracker } from './predict/latency.ts';
import { estimateTokens } from './predict/tokens.ts';
import { attemptEvent, type AttemptOutcome, routedEvent } from './publish/events.ts';
import type { Publisher } from './publish/publisher.ts';
import type { RecentDecisions } from './publish/recent-decisions.ts';
import type { Policy } from './select/policy.ts';
import type { SnapshotService } from './snapshot/snapshot-service.ts';
import type { FailedAttempt, StreamAnswer, WholeAnswer } from './upstream/attempt.ts';
import { type AttemptReport, type ChainResult, type ChainStep, runChain } from './upstream/chain.ts';
import type { CallUpstream } from './upstream/upstream.ts';

export interface GatewayOptions {
  config: Pick<Config, 'deadlines' | 'retries'>;
  instanceId: string;
  policy: Policy;
  policyVersion: string;
  snapshots: SnapshotService;
  latency: LatencyTracker;
  publisher: Publisher;
  recent: RecentDecisions;
  call: CallUpstream;
  clock: Clock;
  metrics: Metrics;
}

interface AnsweredBy {
  step: DecisionStep;
  /** Calls made, this one included. */
  attempts: number;
  /** Time that went by at providers so far. */
  upstreamMs: number;
}

/** How a stream ended after its commit point. */
export interface StreamEnd {
  outcome: TerminalOutcome;
  errorCode: string | null;
}

export type Completion =
  | (AnsweredBy & { kind: 'whole'; answer: WholeAnswer; costUsd: number | null })
  /** `settle` must be called once, when the stream is over. */
  | (AnsweredBy & { kind: 'stream'; answer: StreamAnswer; settle(end: StreamEnd): void })
  | (AnsweredBy & { kind: 'relay'; relay: NonNullable<FailedAttempt['relay']> })
  | { kind: 'cancelled' };

/** The request path: decide, call with fallback, account for every attempt, publish. */
export interface Gateway {
  /** Decides and publishes the decision. */
  decide(request: DecisionRequest): Decision;
  /** Calls the models of a decision until one answers, and publishes how each attempt ended. */
  complete(decision: Decision, body: ChatCompletionRequest, clientSignal: AbortSignal): Promise<Completion>;
}

export function createGateway(options: GatewayOptions): Gateway {
  const { config, policy, snapshots, latency, publisher, clock, metrics } = options;
  const decisions = metrics.counter('signalbox_router_decisions_total', 'Decisions made.', [
    'query_type',
    'complexity',
    'origin',
  ]);
  const attempts = metrics.counter('signalbox_router_attempts_total', 'Calls of providers by their end.', [
    'provider',
    'model',
    'outcome',
  ]);
  const fallbacks = metrics.counter(
    'signalbox_router_fallbacks_total',
    'Answers given by another model than the chosen one.',
  );
  const unpriced = metrics.counter(
    'signalbox_router_unpriced_answers_total',
    'Answers of models whose price is unknown.',
    ['provider', 'model'],
  );
  const firstToken = metrics.histogram(
    'signalbox_router_time_to_first_token_seconds',
    'From the call to the first content token.',
    ['provider', 'model'],
  );

  const eventBase = () => ({ instance_id: options.instanceId, event_id: uuidv7(clock.nowMs()) });
  const modelLabels = (step: { modelId: string; providerName: string }) => ({
    provider: metrics.boundedLabel('provider', step.providerName),
    model: metrics.boundedLabel('model', step.modelId),
  });

  function account(decision: Decision, attempt: AttemptOutcome): void {
    const labels = modelLabels(attempt.step);
    attempts.inc({ ...labels, outcome: attempt.outcome });
    if (attempt.timeToFirstTokenMs !== null) firstToken.observe(labels, attempt.timeToFirstTokenMs / 1000);
    if (attempt.outcome === 'success' && attempt.index > 0) fallbacks.inc();
    if (attempt.outcome === 'success' && attempt.costUsd === null) unpriced.inc(labels);
    publisher.publish(attemptEvent(decision, attempt, eventBase()));
  }

  function accountFailure(decision: Decision, report: AttemptReport, stream: boolean): void {
    account(decision, {
      index: report.index,
      step: findStep(decision, report.step),
      outcome: report.outcome,
      responseTimeMs: report.durationMs,
      timeToFirstTokenMs: null,
      streamed: stream,
      httpStatus: report.failure?.status ?? null,
      errorCode: report.failure?.class ?? null,
      usage: null,
      usageEstimated: false,
      costUsd: null,
      responseModel: null,
    });
  }

  function settleWhole(
    decision: Decision,
    result: Extract<ChainResult, { kind: 'answer' }>,
    answer: WholeAnswer,
  ): number | null {
    const step = findStep(decision, result.step);
    const cost = priceOf(step, answer.usage);
    account(decision, {
      index: result.index,
      step,
      outcome: 'success',
      responseTimeMs: clock.monotonicMs() - result.startedAtMs,
      timeToFirstTokenMs: null,
      streamed: false,
      httpStatus: answer.status,
      errorCode: null,
      usage: answer.usage,
      usageEstimated: false,
      costUsd: cost,
      responseModel: answer.responseModel,
    });
    return cost;
  }

  function settleStream(
    decision: Decision,
    result: Extract<ChainResult, { kind: 'answer' }>,
    answer: StreamAnswer,
    end: StreamEnd,
  ): void {
    const step = findStep(decision, result.step);
    const { monitor } = answer;
    const usage = monitor.usage ?? {
      inputTokens: decision.inputTokens,
      outputTokens: estimateTokens(monitor.contentCharacters),
      cachedInputTokens: 0,
    };
    if (step.entry !== null) latency.observe(step.entry.key, answer.timeToFirstTokenMs);
    account(decision, {
      index: result.index,
      step,
      outcome: end.outcome,
      responseTimeMs: clock.monotonicMs() - result.startedAtMs,
      timeToFirstTokenMs: answer.timeToFirstTokenMs,
      streamed: true,
      httpStatus: 200,
      errorCode: end.errorCode,
      usage,
      usageEstimated: monitor.usage === null,
      costUsd: priceOf(step, usage),
      responseModel: monitor.responseModel,
    });
  }

  return {
    decide(request) {
      const decision = decide(request, {
        snapshot: snapshots.current(),
        policy,
        policyVersion: options.policyVersion,
        expectedTtftMs: (entry) => latency.expectedMs(entry.key) ?? entry.model.performance.avg_ttft_ms,
        decisionId: uuidv7(clock.nowMs()),
        nowMs: clock.nowMs(),
      });
      const { query_type, complexity } = decision.classification;
      decisions.inc({ query_type, complexity, origin: decision.origin });
      options.recent.add(decision);
      publisher.publish(routedEvent(decision, eventBase()));
      return decision;
    },

    async complete(decision, body, clientSignal) {
      options.recent.markCalled(decision.decisionId);
      const stream = body.stream === true;
      const { complexity } = decision.classification;
      let failedMs = 0;
      let failedAttempts = 0;
      const result = await runChain({
        steps: decision.chain.map((step) => toChainStep(step, snapshots)),
        body,
        stream,
        deadlineMs: (stream ? config.deadlines.first_token_ms : config.deadlines.complete_ms)[complexity],
        retriesOfSameModel: config.retries.same_model,
        backoffMs: config.retries.backoff_ms,
        clientSignal,
        call: options.call,
        nowMs: () => clock.monotonicMs(),
        random: Math.random,
        onAttemptFailed(report) {
          failedMs += report.durationMs;
          failedAttempts += 1;
          accountFailure(decision, report, stream);
        },
      });
      if (result.kind === 'cancelled') return { kind: 'cancelled' };
      const answeredBy = { step: findStep(decision, result.step), attempts: result.index + 1 };
      if (result.kind === 'relay') {
        return { ...answeredBy, attempts: failedAttempts, kind: 'relay', upstreamMs: failedMs, relay: result.relay };
      }
      const upstreamMs = clock.monotonicMs() - result.startedAtMs + failedMs;
      const { answer } = result;
      if (answer.kind === 'whole') {
        const cost = settleWhole(decision, result, answer);
        return { ...answeredBy, kind: 'whole', upstreamMs, answer, costUsd: cost };
      }
      return {
        ...answeredBy,
        kind: 'stream',
        upstreamMs,
        answer,
        settle: (end) => settleStream(decision, result, answer, end),
      };
    },
  };
}

function toChainStep(step: DecisionStep, snapshots: SnapshotService): ChainStep {
  const provider = snapshots.current().providers.get(step.providerName);
  if (provider === undefined) throw new SignalboxError('internal', `provider ${step.providerName} is not configured`);
  return { modelId: step.modelId, provider };
}

function findStep(decision: Decision, wanted: ChainStep): DecisionStep {
  const step = decision.chain.find(
    (candidate) => candidate.modelId === wanted.modelId && candidate.providerName === wanted.provider.name,
  );
  return step ?? decision.chain[0];
}

function priceOf(step: DecisionStep, usage: TokenUsage | null): number | null {
  return usage === null || step.entry === null ? null : costUsd(usage, step.entry.model.costs);
}
