import type { RaceCandidate } from '../../contracts/race-api.ts';
import type { LaneStatus } from '../../contracts/race.ts';
import type { TerminalOutcome } from '../../contracts/event.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { ReservedPart } from '../admission/share-reservation.ts';
import type { Decision } from '../decide.ts';
import type { Completion, Gateway } from '../gateway.ts';
import { type Answer, extractAnswer, isRefusal } from '../race/answer.ts';
import type { LaneEnd } from '../race/run-race.ts';
import { believedScore } from '../select/score.ts';
import { answerText, meanLogprob } from '../surfaces/chat/assemble.ts';
import { chatSurface } from '../surfaces/chat/surface.ts';
import { middleScore, successRateOf } from '../../statistics/score-scale.ts';
import { type CollectedStream, collectStream } from '../upstream/collect-stream.ts';
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
  /** A provider's own refusal of the request. */
  refusal: RelayCompletion | null;
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
    refusal: null,
    label: null,
  };
}

/** How likely its model answers the request well, as central has learned. */
export function chanceOf({ decision: { chain, classification } }: Lane): number {
  const { entry } = chain[0];
  if (entry === null) return successRateOf(middleScore);
  const { complexity, query_type: queryType } = classification;
  return successRateOf(believedScore(entry, { complexity, queryType }));
}

export interface LaneOptions {
  gateway: Gateway;
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
  const { gateway, order, rules } = options;
  let completion: Completion;
  try {
    completion = await gateway.complete({
      decision: lane.decision,
      request: requestOf(order),
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
      return order.strategy === 'first' && rules.verify === null
        ? { kind: 'answered', answer: { completion, collected: null, text: '', compared: null, meanLogprob: null } }
        : await readWhole(lane, completion, signal, options);
  }
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
  const problem = problemOf(text, compared, order, rules);
  if (problem !== null) {
    lane.confidence = 0;
    lane.label = 0;
    return { kind: 'invalid', reason: problem };
  }
  if (rules.verify !== null) lane.label = 1;
  return { kind: 'answered', answer: { completion, collected, text, compared, meanLogprob: meanLogprob(document) } };
}

/** Why a text is no valid answer; null where it is one. */
function problemOf(text: string, compared: Answer | null, { strategy }: RaceOrder, rules: RaceRules): string | null {
  if (text.trim() === '') return 'an empty answer';
  const problem = rules.verify === null ? (isRefusal(text) ? 'a refusal' : null) : rules.verify(text);
  return problem ?? (strategy === 'consensus' && compared === null ? `no ${rules.extraction.kind} in it` : null);
}

function requestOf({ body, headers, query }: RaceOrder): ClientRequest {
  return { surface: chatSurface, bytes: Buffer.from(JSON.stringify(body)), body, stream: true, headers, query };
}

/** What a client sees of a lane. */
export function toCandidate({ index, decision, part, ...lane }: Lane): RaceCandidate {
  const [step] = decision.chain;
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
