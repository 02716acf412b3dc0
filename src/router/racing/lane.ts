import type { RaceCandidate } from '../../contracts/race-api.ts';
import type { LaneStatus } from '../../contracts/race.ts';
import type { TerminalOutcome } from '../../contracts/event.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { ReservedPart } from '../admission/share-reservation.ts';
import type { Decision, DecisionStep } from '../decide.ts';
import type { Completion, Gateway } from '../gateway.ts';
import { type Answer, extractAnswer, isRefusal } from '../race/answer.ts';
import type { LaneEnd } from '../race/run-race.ts';
import { believedScore } from '../select/score.ts';
import { answerText, meanLogprob } from '../surfaces/chat/assemble.ts';
import { chatSurface } from '../surfaces/chat/surface.ts';
import { middleScore, successRateOf } from '../../statistics/score-scale.ts';
import { type CollectedStream, collectStream, readToAnswer } from '../upstream/collect-stream.ts';
import type { ClientRequest } from '../upstream/upstream.ts';
import type { RaceOrder, RaceRules } from './race-order.ts';

export type StreamCompletion = Extract<Completion, { kind: 'stream' }>;
export type RelayCompletion = Extract<Completion, { kind: 'relay' }>;

/** An answer of a lane. */
export interface LaneAnswer {
  completion: StreamCompletion;
  /** Null: the stream has shown its first content, and is still to be followed and settled. */
  collected: CollectedStream | null;
  text: string;
  /** What of it is compared with others; of `consensus` alone. */
  compared: Answer | null;
  meanLogprob: number | null;
}

/** A lane as it is known so far. */
export interface Lane {
  readonly index: number;
  readonly decision: Decision;
  readonly part: ReservedPart;
  status: LaneStatus | 'waiting' | 'running';
  startedAtMs: number | null;
  latencyMs: number | null;
  /** In [0, 1]. */
  confidence: number | null;
  reason: string | null;
  output: string | null;
  /** How its call ended, as far as it has. */
  outcome: TerminalOutcome;
  /** Who answered: another provider of the model than the first, where that one failed. */
  step: DecisionStep;
  /** A provider's own refusal of the request. */
  refusal: RelayCompletion | null;
  /** Why no provider answered. */
  error: SignalboxError | null;
  /** The quality of its answer in [0, 1], where something has judged it: a verifier, a judge or a vote. */
  label: number | null;
}

export function createLane(index: number, decision: Decision, part: ReservedPart): Lane {
  return {
    index,
    decision,
    part,
    status: 'waiting',
    startedAtMs: null,
    latencyMs: null,
    confidence: null,
    reason: null,
    output: null,
    outcome: 'cancelled',
    step: decision.chain[0],
    refusal: null,
    error: null,
    label: null,
  };
}

/** How likely its model answers the request well, as central has learned. */
export function chanceOf({ decision: { chain, classification, successShifts } }: Lane): number {
  const { entry } = chain[0];
  if (entry === null) return successRateOf(middleScore);
  const { complexity, query_type: queryType } = classification;
  return successRateOf(believedScore(entry, { complexity, queryType, successShifts }));
}

export interface LaneOptions {
  gateway: Gateway;
  request: ClientRequest;
  order: RaceOrder;
  rules: RaceRules;
  /** Longest silence within a stream. */
  idleMs: number;
}

/**
 * Calls the model of a lane. Streams, so that its first content is seen; where no more than that is needed (`first` without
 * a verifier) it answers there, else it reads on to the end, and checks what came.
 */
export async function runLane(lane: Lane, signal: AbortSignal, options: LaneOptions): Promise<LaneEnd<LaneAnswer>> {
  const { gateway, order, rules, idleMs } = options;
  let completion: Completion;
  try {
    completion = await gateway.complete({
      decision: lane.decision,
      request: options.request,
      caller: order.caller,
      maxOutputTokens: order.maxOutputTokens,
      conversationId: null,
      reservation: lane.part,
      deadlineMs: rules.timeoutMs,
      clientSignal: signal,
    });
  } catch (error) {
    if (!(error instanceof SignalboxError)) throw error;
    lane.outcome = error.code === 'deadline_exceeded' ? 'timeout' : 'failure';
    lane.error = error;
    return { kind: 'error', reason: error.code };
  }
  switch (completion.kind) {
    case 'cancelled':
      return { kind: 'error', reason: 'cancelled' };
    case 'relay':
      lane.outcome = 'failure';
      lane.refusal = completion;
      return { kind: 'error', reason: `refused with status ${completion.relay.status}` };
    case 'whole':
      throw new Error('a stream was asked for');
    case 'stream':
      lane.step = completion.step;
      return order.strategy === 'first' && rules.verify === null
        ? await awaitContent(lane, completion, signal, idleMs)
        : await readWhole(lane, completion, signal, options);
  }
}

/** Reads on until the lane answers: reasoning, refusals and blanks are no answer, nor is a stream that ends without. */
async function awaitContent(
  lane: Lane,
  completion: StreamCompletion,
  signal: AbortSignal,
  idleMs: number,
): Promise<LaneEnd<LaneAnswer>> {
  const seen = await readToAnswer(completion.answer, { signal, idleMs });
  if ('head' in seen) {
    const answer = { ...completion.answer, head: seen.head };
    return {
      kind: 'answered',
      answer: { completion: { ...completion, answer }, collected: null, text: '', compared: null, meanLogprob: null },
    };
  }
  completion.settle(seen.end);
  lane.outcome = seen.end.outcome;
  if (seen.end.outcome !== 'success') return { kind: 'error', reason: seen.end.errorCode ?? 'broken off' };
  return { kind: 'invalid', reason: 'an empty answer' };
}

async function readWhole(
  lane: Lane,
  completion: StreamCompletion,
  signal: AbortSignal,
  { order, rules, idleMs }: LaneOptions,
): Promise<LaneEnd<LaneAnswer>> {
  const collected = await collectStream(completion.answer, { signal, idleMs });
  completion.settle(collected.end);
  lane.outcome = collected.end.outcome;
  const { document } = collected;
  const text = answerText(document);
  lane.output = text === '' ? null : text;
  if (collected.end.outcome !== 'success') return { kind: 'error', reason: collected.end.errorCode ?? 'broken off' };
  const compared = order.strategy === 'consensus' ? extractAnswer(text, rules.extraction) : null;
  const problem = await problemOf(text, compared, order, rules);
  if (problem !== null) {
    lane.confidence = 0;
    if (rules.verify !== null) lane.label = 0;
    return { kind: 'invalid', reason: problem };
  }
  if (rules.verify !== null) lane.label = 1;
  return { kind: 'answered', answer: { completion, collected, text, compared, meanLogprob: meanLogprob(document) } };
}

/** Why a text is no valid answer; null where it is one. */
async function problemOf(
  text: string,
  compared: Answer | null,
  { strategy }: RaceOrder,
  rules: RaceRules,
): Promise<string | null> {
  if (text.trim() === '') return 'an empty answer';
  const problem = rules.verify === null ? (isRefusal(text) ? 'a refusal' : null) : await rules.verify(text);
  return problem ?? (strategy === 'consensus' && compared === null ? `no ${rules.extraction.kind} in it` : null);
}

/** What every lane is sent. */
export function requestOf({ body, keepsUsage, headers, query, span }: RaceOrder): ClientRequest {
  const bytes = Buffer.from(JSON.stringify(body));
  return { surface: chatSurface, bytes, body, stream: true, keepsUsage, headers, query, span };
}

/** What a client sees of a lane. */
export function toCandidate({ index, decision, part, step, ...lane }: Lane): RaceCandidate {
  return {
    lane: index,
    decision_id: decision.decisionId,
    model: step.modelId,
    provider: step.providerName,
    status: lane.status,
    latency_ms: lane.latencyMs === null ? null : Math.round(lane.latencyMs * 10) / 10,
    cost_usd: part.spent()?.costUsd ?? null,
    confidence: lane.confidence,
    output: lane.output,
    reason: lane.reason,
  };
}
