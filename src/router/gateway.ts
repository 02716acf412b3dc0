import { SignalboxError } from '../platform/core/errors.ts';
import type { Config } from '../platform/config/load.ts';
import type { Live } from '../platform/core/live.ts';
import { uuidv7 } from '../platform/core/ids.ts';
import type { Admission, Caller, Need, Reservation, Spent } from './admission/admission.ts';
import type { RequestOutcome } from './accounting.ts';
import { type AttemptNumbers, numberAttempts, sparedCodes } from './attempt-numbers.ts';
import type { CallSignals, SignalsOf } from './call-signals.ts';
import { findStep, toChainStep } from './chain-steps.ts';
import {
  type Decision,
  type DecisionContext,
  type DecisionRequest,
  type DecisionStep,
  decide,
  decideField,
} from './decide.ts';
import { needOf } from './need.ts';
import { createSettlement, nothingSpent, type SettlementOptions } from './settlement.ts';
import type { VersionedPolicy } from './policy-from-config.ts';
import type { RecentDecisions } from './publish/recent-decisions.ts';
import type { Resilience } from './resilience/resilience.ts';
import type { Explorer } from './select/explorer.ts';
import type { Policy } from './select/policy.ts';
import type { QualityFloor } from './select/quality-floor.ts';
import type { RoutableModel } from './select/routable-model.ts';
import type { SnapshotService } from './snapshot/snapshot-service.ts';
import type { FailedAttempt, StreamAnswer, WholeAnswer } from './upstream/attempt.ts';
import { runChain } from './upstream/chain.ts';
import type { StreamEnd } from './upstream/follow-stream.ts';
import type { CallUpstream, ClientRequest } from './upstream/upstream.ts';

export interface GatewayOptions extends SettlementOptions {
  config: Live<Pick<Config, 'deadlines' | 'retries' | 'limits' | 'resilience'>>;
  policy: Live<VersionedPolicy>;
  snapshots: SnapshotService;
  explorer: Live<Explorer>;
  /** Null where the configuration has none. */
  qualityFloor: Live<QualityFloor | null>;
  admission: Admission;
  resilience: Resilience;
  recent: RecentDecisions;
  /** What calls are told to for each request; null where nobody collects that. */
  signalsOf: SignalsOf | null;
  call: CallUpstream;
}

/** One request on its way to an answer. */
export interface GatewayRequest {
  decision: Decision;
  request: ClientRequest;
  caller: Caller;
  maxOutputTokens: number | null;
  /** Null: the answer begins or continues none. */
  conversationId: string | null;
  /** Held already, for several requests together; without it, what this one may use is held now. */
  reservation?: Reservation;
  /** Instead of what the configuration says for the request: until the answer or its first content token. */
  deadlineMs?: number;
  clientSignal: AbortSignal;
}

interface CallState extends GatewayRequest {
  attempts: AttemptNumbers;
  signals: CallSignals | null;
  /** Those of the decision's chain that are called. */
  steps: readonly DecisionStep[];
}

interface AnsweredBy {
  step: DecisionStep;
  /** Calls made, this one included. */
  attempts: number;
  /** Time that went by at providers so far. */
  upstreamMs: number;
  limitHeaders: Readonly<Record<string, string>>;
}

export type Completion =
  | (AnsweredBy & { kind: 'whole'; answer: WholeAnswer; costUsd: number | null })
  /** `settle` must be called once, when it is known how the stream ends. */
  | (AnsweredBy & { kind: 'stream'; answer: StreamAnswer; settle(end: StreamEnd): void })
  | (AnsweredBy & { kind: 'relay'; relay: NonNullable<FailedAttempt['relay']> })
  | { kind: 'cancelled' };

/** The request path: decide, hold the caller's limits, call with fallback, account for every attempt. */
export interface Gateway {
  /** Decides, without a word to anybody. */
  consider(request: DecisionRequest): Decision;
  /** Remembers and publishes a decision that was considered. */
  open(decision: Decision): void;
  /** Decides and publishes the decision. */
  decide(request: DecisionRequest): Decision;
  /** The models that differ most of the best for a request: those of a race; see `select/field.ts`. */
  field(request: DecisionRequest, count: number): RoutableModel[];
  /** What a decision may use at the most. */
  needOf(decision: Decision, maxOutputTokens: number | null): Need;
  /** Holds what requests may use; see `Admission.reserve`. */
  reserve(caller: Caller, need: Need, signal: AbortSignal): Promise<Reservation>;
  /** Calls the models of a decision until one answers, and publishes how each attempt ended. */
  complete(request: GatewayRequest): Promise<Completion>;
}

export function createGateway(options: GatewayOptions): Gateway {
  const { config, snapshots, latency, admission, resilience, accounting, clock } = options;
  const settlement = createSettlement(options);

  /** The policy, with what a dollar counts for at the moment. */
  function pacedPolicy(policy: Policy): Policy {
    const costPacer = options.costPacer();
    const qualityFloor = options.qualityFloor();
    if (qualityFloor !== null) {
      return { ...policy, tradeOff: { value: qualityFloor.tradeOff(), source: 'quality_floor' } };
    }
    return costPacer === null ? policy : { ...policy, weights: { ...policy.weights, cost: costPacer.weight() } };
  }

  /** A choice whose trade-off somebody else has set, or that nobody need call, is none of the floor's. */
  function watchQuality({ explanation: { trade_off: tradeOff }, expectsOutcome }: Decision): void {
    if (tradeOff?.source === 'quality_floor' && expectsOutcome) options.qualityFloor()?.observe(tradeOff.quality_ratio);
  }

  async function callChain(of: CallState, reservation: Reservation): Promise<Completion> {
    const { decision, request, clientSignal, attempts } = of;
    const { complexity } = decision.classification;
    // What holds now holds for the whole request.
    const { deadlines, retries, resilience: limits } = config();
    let failedMs = 0;
    let failedAttempts = 0;
    let lost = nothingSpent;
    const result = await runChain({
      steps: of.steps.map((step) => toChainStep(step, decision, snapshots.current)),
      request,
      deadlineMs: of.deadlineMs ?? (request.stream ? deadlines.first_token_ms : deadlines.complete_ms)[complexity],
      retriesOfSameModel: retries.same_model,
      backoffMs: retries.backoff_ms,
      clientSignal,
      call: options.call,
      resilience,
      // A race has other lanes to begin with; a rollout has to see how slow its models are.
      p95TtftMs:
        limits.hedge.enabled && decision.origin !== 'race' && decision.rollout === null
          ? ({ provider, modelId }) => latency.p95Ms(`${provider.name}/${modelId}`)
          : () => null,
      nowMs: () => clock.monotonicMs(),
      random: Math.random,
      onCall(step, index, isHedge) {
        attempts.begin(findStep(decision, step));
        return of.signals?.begin(index, step.provider, step.modelId, isHedge) ?? null;
      },
      onSpared: (step, why) => attempts.spare(findStep(decision, step), sparedCodes[why]),
      onAttemptFailed(report) {
        failedMs += report.durationMs;
        failedAttempts += 1;
        lost = sum(lost, settlement.failure(of, report));
      },
    });
    const over = (step: DecisionStep, outcome: RequestOutcome): void =>
      accounting.answered(decision, request.surface.name, step, outcome);
    if (result.kind === 'cancelled') {
      over(decision.chain[0], 'cancelled');
      reservation.settle(lost);
      return { kind: 'cancelled' };
    }
    const answeredBy = {
      step: findStep(decision, result.step),
      attempts: result.index + 1,
      limitHeaders: reservation.headers,
    };
    if (result.kind === 'relay') {
      over(answeredBy.step, 'refused');
      reservation.settle(null);
      return { ...answeredBy, attempts: failedAttempts, kind: 'relay', upstreamMs: failedMs, relay: result.relay };
    }
    const upstreamMs = clock.monotonicMs() - result.startedAtMs + failedMs;
    const { answer: answered, release } = result;
    if (answered.kind === 'whole') {
      release();
      over(answeredBy.step, 'success');
      const cost = settlement.whole(of, result, answered);
      const { usage } = answered;
      const { inputTokens = decision.inputTokens, outputTokens = 0 } = usage ?? {};
      const settle = (): void => reservation.settle(sum(lost, { inputTokens, outputTokens, costUsd: cost }));
      // The client does not wait for the loser of a hedge, but its limits pay for it.
      if (result.loserEnded === null) settle();
      else void result.loserEnded.then(settle);
      return { ...answeredBy, kind: 'whole', upstreamMs, answer: answered, costUsd: cost };
    }
    return {
      ...answeredBy,
      kind: 'stream',
      upstreamMs,
      answer: answered,
      settle(end) {
        release();
        over(answeredBy.step, end.outcome);
        reservation.settle(sum(lost, settlement.stream(of, result, answered, end)));
      },
    };
  }

  /** Holds what the decision may use; where that is too much because of a canary, what it may use without. */
  async function hold({
    decision,
    caller,
    maxOutputTokens,
    clientSignal,
    reservation,
  }: GatewayRequest): Promise<{ reservation: Reservation; steps: CallState['steps'] }> {
    const steps = decision.chain;
    const needOfSteps = (chain: Decision['chain']): Need =>
      needOf({ ...decision, chain }, maxOutputTokens, config().limits.reserve_output_tokens);
    if (reservation !== undefined) return { reservation, steps };
    try {
      return { reservation: await admission.reserve(caller, needOfSteps(steps), clientSignal), steps };
    } catch (error) {
      const [, second, ...others] = steps;
      if (decision.origin !== 'canary' || second === undefined || codeOf(error) !== 'budget_exceeded') throw error;
      const rest: Decision['chain'] = [second, ...others];
      return { reservation: await admission.reserve(caller, needOfSteps(rest), clientSignal), steps: rest };
    }
  }

  function notAnswered({ decision, request }: GatewayRequest, outcome: RequestOutcome): void {
    accounting.answered(decision, request.surface.name, decision.chain[0], outcome);
  }

  function contextAt(nowMs: number): DecisionContext {
    const { policy, version } = options.policy();
    return {
      snapshot: snapshots.current(),
      policy: pacedPolicy(policy),
      policyVersion: version,
      expectedTtftMs: (entry) => latency.expectedMs(entry.key) ?? entry.model.performance.avg_ttft_ms,
      exploration: options.explorer().next(),
      decisionId: uuidv7(nowMs),
      nowMs,
    };
  }

  function open(decision: Decision): void {
    options.recent.add(decision);
    watchQuality(decision);
    accounting.decided(decision);
  }

  return {
    consider: (request) => decide(request, contextAt(clock.nowMs())),
    open,
    decide(request) {
      const decision = decide(request, contextAt(clock.nowMs()));
      open(decision);
      return decision;
    },
    field: (request, count) => decideField(request, count, contextAt(clock.nowMs())),
    needOf: (decision, maxOutputTokens) => needOf(decision, maxOutputTokens, config().limits.reserve_output_tokens),
    reserve: async (caller, need, signal) => admission.reserve(caller, need, signal),

    async complete(request) {
      const { decision, clientSignal } = request;
      const signals = options.signalsOf?.(decision, request.request.surface.name, request.request.span) ?? null;
      const attempts = numberAttempts(decision, accounting);
      let held: Awaited<ReturnType<typeof hold>>;
      try {
        held = await hold(request);
      } catch (error) {
        attempts.end(clientSignal.aborted ? 'client_left' : codeOf(error));
        notAnswered(request, clientSignal.aborted ? 'cancelled' : isRefusal(error) ? 'refused' : 'failure');
        if (clientSignal.aborted) return { kind: 'cancelled' };
        throw error;
      }
      options.recent.markCalled(decision.decisionId);
      try {
        if (!held.steps.includes(decision.chain[0])) attempts.spare(decision.chain[0], 'spared_busy');
        const completion = await callChain({ ...request, attempts, signals, steps: held.steps }, held.reservation);
        attempts.end('client_left');
        return completion;
      } catch (error) {
        attempts.end(codeOf(error));
        notAnswered(request, codeOf(error) === 'deadline_exceeded' ? 'timeout' : 'failure');
        held.reservation.settle(null);
        throw error;
      }
    },
  };
}

function sum(a: Spent, b: Spent): Spent {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    costUsd: a.costUsd === null || b.costUsd === null ? null : a.costUsd + b.costUsd,
  };
}

/** The limits of the caller do not suffice: nobody has failed. */
function isRefusal(error: unknown): boolean {
  return error instanceof SignalboxError && error.status < 500;
}

function codeOf(error: unknown): string {
  return error instanceof SignalboxError ? error.code : 'internal';
}
