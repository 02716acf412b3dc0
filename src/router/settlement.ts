import { contentFilterCode, hedgeLostCode } from '../contracts/event.ts';
import type { Clock } from '../platform/core/clock.ts';
import type { Live } from '../platform/core/live.ts';
import { type Accounting, priceOf } from './accounting.ts';
import type { Caller, Spent } from './admission/admission.ts';
import type { AttemptNumbers } from './attempt-numbers.ts';
import { findStep } from './chain-steps.ts';
import { conversationIdOf } from './conversation.ts';
import type { CallSignals } from './call-signals.ts';
import type { Decision, DecisionStep } from './decide.ts';
import { noUsage, type TokenUsage } from './predict/cost.ts';
import type { LatencyTracker } from './predict/latency.ts';
import { estimateTokens } from './predict/tokens.ts';
import type { AttemptOutcome } from './publish/events.ts';
import type { Affinity } from './select/affinity.ts';
import type { CostPacer } from './select/cost-pacer.ts';
import type { StreamAnswer, WholeAnswer } from './upstream/attempt.ts';
import type { AttemptReport, ChainAnswer } from './upstream/chain.ts';
import type { StreamEnd } from './upstream/follow-stream.ts';
import type { ClientRequest } from './upstream/upstream.ts';

/** What of a request the end of one of its calls is accounted by. */
export interface SettledRequest {
  decision: Decision;
  request: ClientRequest;
  caller: Caller;
  /** Null: the answer begins or continues none. */
  conversationId: string | null;
  attempts: AttemptNumbers;
  /** Null where nobody collects them. */
  signals: CallSignals | null;
}

/** Takes the end of each call to the books: prices it, publishes it, and remembers what later choices want to know. */
export interface Settlement {
  /** A call that did not answer. What it cost all the same. */
  failure(of: SettledRequest, report: AttemptReport): Spent;
  /** Its cost in USD; null where it is not known. */
  whole(of: SettledRequest, result: ChainAnswer, answer: WholeAnswer): number | null;
  stream(of: SettledRequest, result: ChainAnswer, answer: StreamAnswer, end: StreamEnd): Spent;
}

export interface SettlementOptions {
  accounting: Accounting;
  latency: LatencyTracker;
  affinity: Affinity;
  costPacer: Live<CostPacer | null>;
  clock: Clock;
}

export const nothingSpent: Spent = { inputTokens: 0, outputTokens: 0, costUsd: 0 };

export function createSettlement({ accounting, latency, affinity, costPacer, clock }: SettlementOptions): Settlement {
  /** `index`: of the call. */
  function ended(of: SettledRequest, index: number, attempt: AttemptOutcome, finishReason: string | null): void {
    accounting.ended(of.decision, attempt);
    of.signals?.end(index, attempt, finishReason);
  }

  function failure(of: SettledRequest, report: AttemptReport): Spent {
    const { decision, request, attempts } = of;
    const step = findStep(decision, report.step);
    // A call that was broken off before it answered has made its provider read the prompt, at the least.
    const usage = report.outcome === 'cancelled' ? { ...noUsage, inputTokens: decision.inputTokens } : null;
    const cost = priceOf(step, usage);
    const attempt: AttemptOutcome = {
      index: attempts.numberOf(report.index),
      isHedge: report.isHedge,
      step,
      outcome: report.outcome,
      responseTimeMs: report.durationMs,
      timeToFirstTokenMs: null,
      streamed: request.stream,
      httpStatus: report.failure?.status ?? null,
      errorCode: report.hasLost ? hedgeLostCode : (report.failure?.class ?? null),
      usage,
      usageEstimated: usage !== null,
      costUsd: cost,
      responseModel: null,
    };
    ended(of, report.index, attempt, null);
    return usage === null ? nothingSpent : { inputTokens: usage.inputTokens, outputTokens: 0, costUsd: cost };
  }

  /** What the client itself chose says nothing of what a dollar should count for. */
  function paceCost({ origin }: Decision, costUsd: number | null): void {
    if ((origin === 'auto' || origin === 'canary') && costUsd !== null) costPacer()?.observe(costUsd);
  }

  /** The conversation is with this model from now on, and so are answers that refer to this one. */
  function rememberConversation(
    of: SettledRequest,
    step: DecisionStep,
    inputTokens: number,
    responseId: string | null,
  ) {
    const modelKey = `${step.providerName}/${step.modelId}`;
    const nowMs = clock.nowMs();
    if (of.conversationId === null) return;
    affinity.note(of.conversationId, modelKey, inputTokens, nowMs);
    if (responseId === null) return;
    const firstId = affinity.firstIdOf(of.conversationId, nowMs);
    affinity.note(conversationIdOf(responseId, of.caller), modelKey, inputTokens, nowMs, firstId);
  }

  function whole(of: SettledRequest, result: ChainAnswer, answer: WholeAnswer): number | null {
    const { decision } = of;
    const step = findStep(decision, result.step);
    const cost = priceOf(step, answer.usage, answer.reportedCostUsd);
    paceCost(decision, cost);
    rememberConversation(of, step, answer.usage?.inputTokens ?? decision.inputTokens, answer.responseId);
    const attempt: AttemptOutcome = {
      index: of.attempts.numberOf(result.index),
      isHedge: result.isHedge,
      step,
      outcome: 'success',
      responseTimeMs: clock.monotonicMs() - result.startedAtMs,
      timeToFirstTokenMs: null,
      streamed: false,
      httpStatus: answer.status,
      errorCode: answer.isFiltered ? contentFilterCode : null,
      usage: answer.usage,
      usageEstimated: false,
      costUsd: cost,
      responseModel: answer.responseModel,
    };
    ended(of, result.index, attempt, answer.finishReason);
    return cost;
  }

  function stream(of: SettledRequest, result: ChainAnswer, answer: StreamAnswer, end: StreamEnd): Spent {
    const { decision } = of;
    const step = findStep(decision, result.step);
    const { reading } = answer.reader;
    // What a provider counted before a stream broke off is of its beginning; the rest is estimated by what was seen.
    const isCounted = reading.usage !== null && (reading.isFinished || end.outcome === 'success');
    const usage: TokenUsage = isCounted
      ? (reading.usage ?? noUsage)
      : estimateUsage(reading.usage, decision.inputTokens, reading.contentCharacters);
    const cost = priceOf(step, usage, isCounted ? reading.reportedCostUsd : null);
    paceCost(decision, cost);
    // Of a race only the quick ones get so far.
    if (step.entry !== null && decision.origin !== 'race') latency.observe(step.entry.key, answer.timeToFirstTokenMs);
    rememberConversation(of, step, usage.inputTokens, reading.responseId);
    const attempt: AttemptOutcome = {
      index: of.attempts.numberOf(result.index),
      isHedge: result.isHedge,
      step,
      outcome: end.outcome,
      responseTimeMs: clock.monotonicMs() - result.startedAtMs,
      timeToFirstTokenMs: answer.timeToFirstTokenMs,
      streamed: true,
      httpStatus: 200,
      errorCode: end.outcome === 'success' && reading.isFiltered ? contentFilterCode : end.errorCode,
      usage,
      usageEstimated: !isCounted,
      costUsd: cost,
      responseModel: reading.responseModel,
    };
    ended(of, result.index, attempt, reading.finishReason);
    return { inputTokens: usage.inputTokens, outputTokens: usage.outputTokens, costUsd: cost };
  }

  return { failure, whole, stream };
}

/** Of a stream that broke off: what the provider had counted, or else what was seen of it. */
function estimateUsage(counted: TokenUsage | null, inputTokens: number, outputCharacters: number): TokenUsage {
  const base = counted ?? { ...noUsage, inputTokens };
  return { ...base, outputTokens: Math.max(base.outputTokens, estimateTokens(outputCharacters)) };
}
