import { sleep } from '../../platform/core/clock.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { Provider } from '../../platform/providers/definitions.ts';
import { type AttemptResult, type FailedAttempt, runAttempt, type StreamAnswer, type WholeAnswer } from './attempt.ts';
import { type Failure, isWorthRepeating } from './failure.ts';
import type { CallUpstream } from './upstream.ts';

/** One model of a fallback chain. */
export interface ChainStep {
  modelId: string;
  provider: Provider;
}

/** An attempt that did not answer. `index` counts all calls of the chain from 0. */
export interface AttemptReport {
  index: number;
  step: ChainStep;
  durationMs: number;
  outcome: 'failure' | 'timeout' | 'cancelled';
  failure: Failure | null;
}

export interface ChainOptions {
  steps: readonly ChainStep[];
  body: Readonly<Record<string, unknown>>;
  stream: boolean;
  /** For the whole chain: until the answer, or until the first content token of a stream. */
  deadlineMs: number;
  /** Further tries of one model after failures that may pass. */
  retriesOfSameModel: number;
  backoffMs: number;
  clientSignal: AbortSignal;
  call: CallUpstream;
  nowMs(): number;
  /** In [0, 1), spreads retries. */
  random(): number;
  onAttemptFailed(report: AttemptReport): void;
}

export type ChainResult =
  | { kind: 'answer'; index: number; step: ChainStep; startedAtMs: number; answer: WholeAnswer | StreamAnswer }
  /** The request itself is wrong, as the provider says in its own words. */
  | { kind: 'relay'; index: number; step: ChainStep; relay: NonNullable<FailedAttempt['relay']> }
  | { kind: 'cancelled' };

/**
 * Tries the models in turn until one answers.
 *
 * @throws SignalboxError `rate_limited`, `deadline_exceeded`, `upstream_auth_failed` or `upstream_failed`, each with
 * the list of attempts.
 */
export async function runChain(options: ChainOptions): Promise<ChainResult> {
  const { steps, clientSignal, nowMs } = options;
  const endsAtMs = nowMs() + options.deadlineMs;
  const deadProviders = new Set<string>();
  const failures: Array<{ step: ChainStep; failure: Failure }> = [];
  let index = 0;
  let lastRelay: Extract<ChainResult, { kind: 'relay' }> | null = null;

  for (const [position, step] of steps.entries()) {
    if (deadProviders.has(step.provider.name)) continue;
    for (let tries = 0; tries <= options.retriesOfSameModel; tries += 1) {
      const remainingMs = endsAtMs - nowMs();
      if (remainingMs <= 0) throw exhausted(failures, true);
      const startedAtMs = nowMs();
      const result = await runAttempt(options.call, {
        request: { provider: step.provider, modelId: step.modelId, body: options.body, stream: options.stream },
        clientSignal,
        timeoutMs: attemptTimeoutMs(remainingMs, steps.length - position),
        nowMs,
      });
      if (result.kind === 'whole' || result.kind === 'stream') {
        return { kind: 'answer', index, step, startedAtMs, answer: result };
      }
      options.onAttemptFailed({ index, step, durationMs: nowMs() - startedAtMs, ...outcomeOf(result) });
      if (result.kind === 'cancelled') return { kind: 'cancelled' };

      const { failure, relay } = result;
      failures.push({ step, failure });
      lastRelay = relay === null ? null : { kind: 'relay', index, step, relay };
      if (failure.class === 'client' && lastRelay !== null) return lastRelay;
      if (failure.class === 'auth') deadProviders.add(step.provider.name);
      index += 1;
      if (!isWorthRepeating(failure.class) || tries === options.retriesOfSameModel) break;
      await sleep(options.backoffMs * (0.5 + options.random()), clientSignal);
      if (clientSignal.aborted) return { kind: 'cancelled' };
    }
  }
  const lastClass = failures.at(-1)?.failure.class;
  // That the provider does not have a pinned model is the answer; a router's own wrong guess is not.
  const isAnswer = lastClass === 'unsupported' || (lastClass === 'not_found' && steps.length === 1);
  if (isAnswer && lastRelay !== null) return lastRelay;
  throw exhausted(failures, false);
}

/** While others are left, one attempt gets only a part of the remaining time, or the others could never help. */
function attemptTimeoutMs(remainingMs: number, modelsLeft: number): number {
  return Math.max(1, Math.round(modelsLeft > 1 ? remainingMs * 0.6 : remainingMs));
}

function outcomeOf(
  result: Extract<AttemptResult, { kind: 'failed' | 'cancelled' }>,
): Pick<AttemptReport, 'outcome' | 'failure'> {
  if (result.kind === 'cancelled') return { outcome: 'cancelled', failure: null };
  return { outcome: result.failure.class === 'timeout' ? 'timeout' : 'failure', failure: result.failure };
}

function exhausted(failures: ReadonlyArray<{ step: ChainStep; failure: Failure }>, outOfTime: boolean): SignalboxError {
  const all = (failureClass: Failure['class']): boolean =>
    failures.length > 0 && failures.every(({ failure }) => failure.class === failureClass);
  const list = failures.map(({ step, failure }) => {
    const status = failure.status === null ? '' : ` ${failure.status}`;
    return `${step.modelId} at ${step.provider.name}: ${failure.class}${status}`;
  });
  const message = `no model answered after ${failures.length} attempts (${list.join('; ')})`;
  const headers = { 'x-signalbox-attempts': String(failures.length) };
  if (all('rate_limit')) {
    // The shortest wait after which some provider may answer again.
    const waits = failures.map(({ failure }) => failure.retryAfterSeconds ?? 1);
    const retryAfter = String(Math.min(...waits));
    return new SignalboxError('rate_limited', message, { headers: { ...headers, 'retry-after': retryAfter } });
  }
  if (outOfTime || all('timeout')) return new SignalboxError('deadline_exceeded', message, { headers });
  if (all('auth')) return new SignalboxError('upstream_auth_failed', message, { headers });
  return new SignalboxError('upstream_failed', message, { headers });
}
