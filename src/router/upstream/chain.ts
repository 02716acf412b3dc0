import { sleep } from '../../platform/core/clock.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { Provider } from '../../platform/providers/definitions.ts';
import { type CallTargets, callTargets } from '../resilience/call-targets.ts';
import type { Release } from '../resilience/concurrency-limit.ts';
import type { Resilience } from '../resilience/resilience.ts';
import type { Plan } from '../resilience/usable-steps.ts';
import { type AttemptResult, type FailedAttempt, runAttempt, type StreamAnswer, type WholeAnswer } from './attempt.ts';
import { type Failure, isOfTheKey, isWorthRepeating } from './failure.ts';
import type { CallUpstream, ClientRequest } from './upstream.ts';

/** One model of a fallback chain. */
export interface ChainStep {
  modelId: string;
  provider: Provider;
  /** Where the model is on trial, so that no request may fail because of it. */
  trial?: Trial;
  /** False once it must not be called any more; without, it always may. */
  mayBeCalled?(): boolean;
}

/**
 * A model on trial is called once, what it refuses another may answer, and the time it took is not taken from the others.
 */
interface Trial {
  /** False once the trial is over: it is not called any more, not even by a request that had to wait. */
  isActive(): boolean;
}

/** A call that did not answer. `index` counts all calls of the chain from 0. */
export interface AttemptReport {
  index: number;
  step: ChainStep;
  isHedge: boolean;
  durationMs: number;
  outcome: 'failure' | 'timeout' | 'cancelled';
  failure: Failure | null;
  /** Cancelled because another call of the request had answered, and not because its client left. */
  hasLost: boolean;
}

export interface ChainOptions {
  steps: readonly ChainStep[];
  request: ClientRequest;
  /** For the whole chain: until the answer, or until the first content token of a stream. */
  deadlineMs: number;
  /** Further tries of one model after failures that may pass. */
  retriesOfSameModel: number;
  backoffMs: number;
  clientSignal: AbortSignal;
  call: CallUpstream;
  resilience: Resilience;
  /** 95th percentile of the time to the first token of a step in milliseconds; null where it is not known. */
  p95TtftMs(step: ChainStep): number | null;
  nowMs(): number;
  /** In [0, 1), spreads retries and the use of keys. */
  random(): number;
  /** A call begins; not for models that are spared one. Answers headers that it has beside those of the client, or null. */
  onCall(step: ChainStep, index: number, isHedge: boolean): Readonly<Record<string, string>> | null;
  /** A model, or one of its keys, is left out, with why; before the calls of those after it. */
  onSpared(step: ChainStep, why: Spared): void;
  onAttemptFailed(report: AttemptReport): void;
}

export interface ChainAnswer {
  kind: 'answer';
  index: number;
  step: ChainStep;
  isHedge: boolean;
  startedAtMs: number;
  answer: WholeAnswer | StreamAnswer;
  /** Gives back the provider's place; must be called when the answer is over. */
  release: Release;
  /** When the call that lost against this one has ended and was reported; null where there was none. */
  loserEnded: Promise<void> | null;
}

export type ChainResult =
  | ChainAnswer
  /** The request itself is wrong, as the provider says in its own words. */
  | { kind: 'relay'; index: number; step: ChainStep; relay: NonNullable<FailedAttempt['relay']> }
  | { kind: 'cancelled' };

/** Why a model of the chain did not answer: its provider failed, or no call was made to spare it. */
interface Miss {
  step: ChainStep;
  why: Failure | Spared;
}

/**
 * Why no call was made: after too many failures, too many refusals, for want of a place, or because the trial of the model
 * is over.
 */
export type Spared = 'ejected' | 'throttled' | 'busy' | 'ended';

interface Deployment {
  step: ChainStep;
  apiKey: string | null;
  targets: CallTargets;
}

type CallResult = ChainAnswer | FailedAttempt | { kind: 'cancelled' } | { kind: 'spared'; why: Spared };

/**
 * Tries the models in turn until one answers.
 *
 * @throws SignalboxError `rate_limited`, `upstream_overloaded`, `deadline_exceeded`, `upstream_auth_failed` or
 * `upstream_failed`, each with the list of attempts.
 */
export async function runChain(options: ChainOptions): Promise<ChainResult> {
  const { steps, clientSignal, resilience, nowMs } = options;
  let endsAtMs = nowMs() + options.deadlineMs;
  const misses: Miss[] = [];
  let lastRelay: Extract<ChainResult, { kind: 'relay' }> | null = null;
  let nextIndex = 0;

  resilience.retries.deposit(nowMs());
  resilience.hedges.deposit();
  const groups = steps.map((step) =>
    usableFirst(deploymentsOf(step, options.random), ({ targets }) => resilience.isUsable(targets, nowMs())),
  );
  const plan = planOf(groups, resilience, nowMs());
  const planned = new Set(plan.steps.map(({ deployments }) => deployments));
  for (const deployments of groups) {
    if (!planned.has(deployments)) options.onSpared((deployments[0] as Deployment).step, 'ejected');
  }

  async function callOnce(
    deployment: Deployment,
    timeoutMs: number,
    cancelSignal: AbortSignal,
    isHedge: boolean,
  ): Promise<CallResult> {
    const { step, apiKey, targets } = deployment;
    let release: Release;
    try {
      const place = resilience.acquire(targets, cancelSignal, timeoutMs);
      release = typeof place === 'function' ? place : await place;
    } catch {
      return clientSignal.aborted ? { kind: 'cancelled' } : { kind: 'spared', why: 'busy' };
    }
    if (step.trial?.isActive() === false || step.mayBeCalled?.() === false) {
      release();
      return { kind: 'spared', why: 'ended' };
    }
    const startedAtMs = nowMs();
    const refusal = resilience.beforeCall(targets, plan.isPanic && step.trial === undefined, startedAtMs);
    if (refusal !== null) {
      release();
      return { kind: 'spared', why: refusal };
    }
    const index = nextIndex;
    nextIndex += 1;
    const headers = options.onCall(step, index, isHedge);
    const request =
      headers === null ? options.request : { ...options.request, headers: { ...options.request.headers, ...headers } };
    const { modelId, provider } = step;
    const result = await runAttempt(options.call, {
      upstream: { provider, apiKey, modelId, request },
      cancelSignal,
      timeoutMs,
      nowMs,
    });
    resilience.afterCall(targets, endOf(result), startedAtMs, nowMs());
    if (result.kind === 'whole' || result.kind === 'stream') {
      return { kind: 'answer', index, step, isHedge, startedAtMs, answer: result, release, loserEnded: null };
    }
    release();
    const hasLost = result.kind === 'cancelled' && !clientSignal.aborted;
    options.onAttemptFailed({ index, step, isHedge, durationMs: nowMs() - startedAtMs, hasLost, ...outcomeOf(result) });
    if (result.kind === 'failed') {
      misses.push({ step, why: result.failure });
      lastRelay = result.relay === null ? null : { kind: 'relay', index, step, relay: result.relay };
    }
    return result;
  }

  /** Where the first token is late, a second call; the first of the two that answers wins, the other is ended. */
  async function callHedged(deployment: Deployment, hedge: Deployment, timeoutMs: number): Promise<CallResult> {
    const p95Ms = options.p95TtftMs(deployment.step);
    const delayMs = resilience.hedgeDelayMs(p95Ms);
    if (delayMs === null || delayMs >= timeoutMs) return callOnce(deployment, timeoutMs, clientSignal, false);
    const lanes = [new AbortController(), new AbortController()] as const;
    const early = new AbortController();
    const abortAll = (): void => {
      early.abort();
      lanes.forEach((lane) => lane.abort());
    };
    clientSignal.addEventListener('abort', abortAll, { once: true });
    try {
      const first = callOnce(deployment, timeoutMs, lanes[0].signal, false);
      const inTime = await Promise.race([first, sleep(delayMs, early.signal).then(() => null)]);
      if (inTime !== null || clientSignal.aborted || !resilience.hedges.tryWithdraw()) return await first;
      const second = callOnce(hedge, timeoutMs - delayMs, lanes[1].signal, true);
      return await firstAnswer(first, second, lanes);
    } finally {
      early.abort();
      clientSignal.removeEventListener('abort', abortAll);
    }
  }

  for (const [position, { deployments }] of plan.steps.entries()) {
    const modelsLeft = plan.steps.length - position;
    const other = plan.steps[position + 1]?.deployments[0];
    let tries = 0;
    for (let key = 0; key < deployments.length;) {
      const deployment = deployments[key] as Deployment;
      const remainingMs = endsAtMs - nowMs();
      if (remainingMs <= 0) throw exhausted(misses, true);
      const result = await callHedged(deployment, other ?? deployment, attemptTimeoutMs(remainingMs, modelsLeft));
      if (result.kind === 'answer') return result;
      if (result.kind === 'cancelled') return { kind: 'cancelled' };
      const isTrial = deployment.step.trial !== undefined && modelsLeft > 1;
      if (isTrial) endsAtMs = nowMs() + options.deadlineMs;
      if (result.kind === 'spared') {
        misses.push({ step: deployment.step, why: result.why });
        options.onSpared(deployment.step, result.why);
        key += 1;
        continue;
      }
      const { failure } = result;
      if (isTrial) break;
      if (failure.class === 'client' && lastRelay !== null) return lastRelay;
      if (isOfTheKey(failure.class)) {
        key += 1;
        continue;
      }
      tries += 1;
      const mayRepeat = isWorthRepeating(failure.class) && tries <= options.retriesOfSameModel;
      if (!mayRepeat || !resilience.retries.tryWithdraw(nowMs())) break;
      await sleep(options.backoffMs * (0.5 + options.random()), clientSignal);
      if (clientSignal.aborted) return { kind: 'cancelled' };
    }
  }
  const lastWhy = misses.at(-1)?.why;
  const lastClass = typeof lastWhy === 'object' ? lastWhy.class : undefined;
  // That the provider does not have a pinned model is the answer; a router's own wrong guess is not.
  const isAnswer = lastClass === 'unsupported' || (lastClass === 'not_found' && steps.length === 1);
  if (isAnswer && lastRelay !== null) return lastRelay;
  throw exhausted(misses, false);
}

interface PlannedStep {
  deployments: Deployment[];
  targets: CallTargets;
}

/** A model on trial is left out where it is ejected, and has no part in whether the others are too few. */
function planOf(groups: ReadonlyArray<Deployment[]>, resilience: Resilience, nowMs: number): Plan<PlannedStep> {
  const steps = groups.map((deployments) => ({ deployments, targets: (deployments[0] as Deployment).targets }));
  const isTrial = ({ deployments }: PlannedStep): boolean => deployments[0]?.step.trial !== undefined;
  const tried = steps.filter(isTrial);
  if (tried.length === 0) return resilience.usable(steps, nowMs);
  const plan = resilience.usable(
    steps.filter((step) => !isTrial(step)),
    nowMs,
  );
  return { ...plan, steps: [...tried.filter(({ targets }) => resilience.isUsable(targets, nowMs)), ...plan.steps] };
}

/** A step under each of its provider's keys, beginning anywhere, so that all keys are used alike. */
function deploymentsOf(step: ChainStep, random: () => number): Deployment[] {
  const { provider, modelId } = step;
  const modelKey = `${provider.name}/${modelId}`;
  const { apiKeys } = provider;
  const targetsOf = (keyId: string | null): CallTargets => {
    const targets = callTargets(provider.name, keyId, modelKey);
    return step.trial === undefined ? targets : { ...targets, isTrial: true };
  };
  if (apiKeys.length <= 1) return [{ step, apiKey: provider.apiKey, targets: targetsOf(null) }];
  const start = Math.floor(random() * apiKeys.length);
  return apiKeys.map((_, offset) => {
    const index = (start + offset) % apiKeys.length;
    return { step, apiKey: apiKeys[index] ?? null, targets: targetsOf(String(index + 1)) };
  });
}

/** The ejected keys of a provider last: its model is out only where all of its keys are. */
function usableFirst(deployments: Deployment[], isUsable: (deployment: Deployment) => boolean): Deployment[] {
  if (deployments.length === 1) return deployments;
  return [...deployments.filter(isUsable), ...deployments.filter((deployment) => !isUsable(deployment))];
}

/** It may have answered in the same moment: then it is ended, and its place given back. */
async function endLate(call: Promise<CallResult>): Promise<void> {
  const late = await call;
  if (late.kind !== 'answer') return;
  if (late.answer.kind === 'stream') late.answer.abort();
  late.release();
}

async function firstAnswer(
  first: Promise<CallResult>,
  second: Promise<CallResult>,
  [firstLane, secondLane]: readonly [AbortController, AbortController],
): Promise<CallResult> {
  const tagged = [
    first.then((result) => ({ result, other: second, otherLane: secondLane })),
    second.then((result) => ({ result, other: first, otherLane: firstLane })),
  ];
  const { result, other, otherLane } = await Promise.race(tagged);
  if (result.kind !== 'answer') {
    const later = await other;
    // A call that was spared says nothing of the one that failed.
    return later.kind === 'spared' ? result : later;
  }
  otherLane.abort();
  return { ...result, loserEnded: endLate(other) };
}

/** While others are left, one attempt gets only a part of the remaining time, or the others could never help. */
function attemptTimeoutMs(remainingMs: number, modelsLeft: number): number {
  return Math.max(1, Math.round(modelsLeft > 1 ? remainingMs * 0.6 : remainingMs));
}

function endOf(result: AttemptResult): 'success' | 'cancelled' | Failure {
  if (result.kind === 'failed') return result.failure;
  return result.kind === 'cancelled' ? 'cancelled' : 'success';
}

function outcomeOf(
  result: Extract<AttemptResult, { kind: 'failed' | 'cancelled' }>,
): Pick<AttemptReport, 'outcome' | 'failure'> {
  if (result.kind === 'cancelled') return { outcome: 'cancelled', failure: null };
  return { outcome: result.failure.class === 'timeout' ? 'timeout' : 'failure', failure: result.failure };
}

function exhausted(misses: readonly Miss[], outOfTime: boolean): SignalboxError {
  // What a model on trial did is no part of what the others' failures mean.
  const judged = misses.some(({ step }) => step.trial === undefined)
    ? misses.filter(({ step }) => step.trial === undefined)
    : misses;
  const failures = judged.flatMap(({ why }) => (typeof why === 'object' ? [why] : []));
  // A model that was spared says nothing of its own: another call showed what is wrong.
  const all = (failureClass: Failure['class']): boolean =>
    failures.length > 0 && failures.every((failure) => failure.class === failureClass);
  const list = misses.map(({ step, why }) => {
    const reason = typeof why === 'string' ? why : `${why.class}${why.status === null ? '' : ` ${why.status}`}`;
    return `${step.modelId} at ${step.provider.name}: ${reason}`;
  });
  const attempts = misses.filter(({ why }) => typeof why === 'object').length;
  const message = `no model answered after ${attempts} attempts (${list.join('; ')})`;
  const headers = { 'x-signalbox-attempts': String(attempts) };
  const waits = failures.flatMap(({ retryAfterSeconds }) => retryAfterSeconds ?? []);
  // The shortest wait after which some provider may answer again.
  const retryAfter = { ...headers, 'retry-after': String(waits.length > 0 ? Math.min(...waits) : 1) };
  if (all('rate_limit')) return new SignalboxError('rate_limited', message, { headers: retryAfter });
  if (outOfTime || all('timeout')) return new SignalboxError('deadline_exceeded', message, { headers });
  if (all('auth')) return new SignalboxError('upstream_auth_failed', message, { headers });
  const isOverload = judged.every(
    ({ why }) => typeof why === 'string' || why.class === 'rate_limit' || why.status === 503 || why.status === 529,
  );
  if (isOverload) return new SignalboxError('upstream_overloaded', message, { headers: retryAfter });
  return new SignalboxError('upstream_failed', message, { headers });
}
