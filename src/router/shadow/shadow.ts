import type { ShadowPair } from '../../contracts/rollout.ts';
import type { Config } from '../../platform/config/load.ts';
import { sleep } from '../../platform/core/clock.ts';
import type { Service } from '../../platform/core/service.ts';
import type { Live } from '../../platform/core/live.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import type { Accounting } from '../accounting.ts';
import type { Caller, Need, Reservation } from '../admission/admission.ts';
import { promptFromText } from '../classify/prompt.ts';
import type { Decision, DecisionRequest } from '../decide.ts';
import type { Completion, Gateway } from '../gateway.ts';
import type { AttemptOutcome } from '../publish/events.ts';
import { askJudge } from '../racing/ask-judge.ts';
import { isSameModel } from '../select/field.ts';
import type { ProviderBounds } from '../select/filter.ts';
import { anyModel, type SelectionRequest } from '../select/policy.ts';
import type { ActiveRollout, CopyTarget } from '../select/rollout.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { answerText } from '../surfaces/chat/assemble.ts';
import { questionOf } from '../surfaces/chat/read.ts';
import type { RequestReading } from '../surfaces/surface.ts';
import { type CollectedStream, collectStream } from '../upstream/collect-stream.ts';
import type { ClientRequest } from '../upstream/upstream.ts';
import type { Verifier } from '../verify/verifier.ts';
import { copyRequest, refusesCopy } from './copy-request.ts';
import { createDailySpending, type SpendingHold } from './daily-spending.ts';
import type { FirstAttempts } from './first-attempts.ts';
import { createKeptAnswer, type KeptAnswer } from './kept-answer.ts';
import { measuresOf, sideEnd, sideOf } from './pair.ts';
import type { Skipped } from './skipped.ts';
import { formOf, hasForm } from './validity.ts';

/** Copies requests to models on trial, after their users have been answered, and compares what comes. */
export interface Shadow extends Service {
  /** A request that is to be copied, before it is answered; null where it is not. */
  watch(decision: Decision, original: Original): Watched | null;
}

/** A chat completion as its user asks for it. */
export interface Original {
  request: ClientRequest;
  reading: RequestReading;
  caller: Caller;
  /** Who may see it: also of what is sent on for a comparison. */
  bounds: Bounds;
}

type Bounds = ProviderBounds & Pick<SelectionRequest, 'allowedModels'>;

export interface Watched {
  /** What the user gets, in pieces or whole. */
  take(chunk: Uint8Array): void;
  /** The user has all of it, or is gone. Returns at once. */
  finish(): void;
}

export interface ShadowOptions {
  /** One of its own: copies share neither limits nor circuits, budgets of repeats or measures of time with users. */
  gateway: Gateway;
  accounting: Accounting;
  attempts: FirstAttempts;
  verifier: Verifier;
  currentSnapshot(): Snapshot;
  config: Live<Pick<Config, 'deadlines' | 'upgrade'>>;
  pool: Pool;
  log: Logger;
  metrics: Metrics;
  /** Uniform in [0, 1). */
  random(): number;
}

/** Copies under way at once; further ones are left out. */
const mostUnderWay = 8;
/** How long a stop waits for them. */
const drainMs = 2000;
/** So much later than the deadline of its first content, that one is met first. */
const lateMs = 1000;
/** Longest time for a judge. */
const judgeMs = 60_000;

export function createShadow(options: ShadowOptions): Shadow {
  const { gateway, attempts, verifier, log } = options;
  const judgeOf = (): string | undefined => options.config().upgrade.shadow.judge;
  const skipped = options.metrics.counter('signalbox_router_shadow_skipped_total');
  const spending = createDailySpending(() => options.config().upgrade.shadow.max_usd_per_day, options);
  const underWay = new Set<Promise<void>>();
  const stopping = new AbortController();
  let isStopping = false;
  const skip = (reason: Skipped): void => skipped.inc({ reason });

  /** Why nothing is to be sent, in what can be known before. */
  function refusal(rollout: ActiveRollout, kept: KeptAnswer | null): Skipped | null {
    if (isStopping) return 'stopping';
    // The answer may have taken a while, and the trial may be over.
    const now = options.currentSnapshot().rolloutsByControl.get(rollout.controlKey);
    if (now?.rolloutId !== rollout.rolloutId || now.state !== 'shadow') return 'trial_ended';
    if (kept?.isTooLarge() === true) return 'too_large';
    return underWay.size >= mostUnderWay ? 'busy' : null;
  }

  async function copy(
    rollout: CopyTarget,
    control: Decision,
    controlAttempt: AttemptOutcome,
    original: Original,
    kept: KeptAnswer | null,
  ): Promise<void> {
    const decision = considerCopy(rollout, control, original);
    if (decision === null) return skip('not_offered');
    const need = gateway.needOf(decision, original.reading.maxOutputTokens);
    if (need.costUsd === null) return skip('price_unknown');
    const hold = await holdUsd(need.costUsd);
    if (typeof hold === 'string') return skip(hold);
    gateway.open(decision);
    const collected = await call(decision, original, hold);
    const attempt = attempts.of(decision);
    const end = collected === 'out_of_time' ? 'failed' : sideEnd(attempt);
    if (attempt === null || end === null) return skip('no_copy');
    const isWhole = collected !== null && collected !== 'out_of_time' && end === 'answered';
    const document = isWhole ? collected.document : null;
    options.accounting.compared(
      decision,
      await compare(
        original,
        controlAttempt,
        attempt,
        { control: kept?.document() ?? null, shadow: document },
        rollout,
      ),
      collected === 'out_of_time' ? 'timeout' : attempt.outcome,
    );
  }

  async function holdUsd(usd: number): Promise<SpendingHold | Skipped> {
    try {
      return (await spending.hold(usd)) ?? 'budget';
    } catch (error) {
      log.debug({ err: error }, 'what copies have cost today cannot be read');
      return 'budget_unknown';
    }
  }

  function considerCopy(rollout: CopyTarget, control: Decision, { reading, bounds }: Original): Decision | null {
    try {
      const decision = gateway.consider({
        prompt: reading.prompt,
        requestedModel: rollout.candidateKey,
        complexity: control.classification.complexity,
        origin: 'shadow',
        rollout: { rollout_id: rollout.rolloutId, arm: 'shadow', share: rollout.share, unit: rollout.unit },
        constraints: {
          ...within(bounds),
          requiredCapabilities: reading.requiredCapabilities,
          maxOutputTokens: reading.maxOutputTokens,
        },
      });
      return decision.chain[0].entry?.model.capabilities.streaming === true ? decision : null;
    } catch {
      // Its provider has taken it from its list, or the operator has disabled it.
      return null;
    }
  }

  /** `out_of_time`: it began to answer, and was longer at it than any user would wait. Null: it did not answer. */
  async function call(
    decision: Decision,
    { request, reading, caller }: Original,
    hold: SpendingHold,
  ): Promise<CollectedStream | 'out_of_time' | null> {
    const { complexity } = decision.classification;
    const { deadlines } = options.config();
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), deadlines.complete_ms[complexity] + lateMs);
    const signal = AbortSignal.any([stopping.signal, late.signal]);
    let completion: Completion;
    try {
      completion = await gateway.complete({
        decision,
        request: copyRequest(request),
        caller,
        maxOutputTokens: reading.maxOutputTokens,
        conversationId: null,
        reservation: reservationOf(hold),
        // The time that its user would have given it.
        deadlineMs: (request.stream ? deadlines.first_token_ms : deadlines.complete_ms)[complexity],
        clientSignal: signal,
      });
      if (completion.kind !== 'stream') return null;
      const collected = await collectStream(completion.answer, { signal, idleMs: deadlines.stream_idle_ms });
      completion.settle(collected.end);
      return late.signal.aborted && !stopping.signal.aborted ? 'out_of_time' : collected;
    } catch {
      // Accounted for as every failed call is.
      return null;
    } finally {
      clearTimeout(timer);
      await hold.settle(0);
    }
  }

  async function compare(
    original: Original,
    control: AttemptOutcome,
    shadow: AttemptOutcome,
    documents: Record<'control' | 'shadow', Record<string, unknown> | null>,
    rollout: ActiveRollout,
  ): Promise<ShadowPair> {
    const controlAnswered = sideEnd(control) === 'answered';
    const shadowAnswered = documents.shadow !== null;
    const form = formOf(original.request.body);
    const isInvalid = async (document: Record<string, unknown> | null): Promise<boolean> =>
      form !== null && document !== null && !(await hasForm(document, form, verifier));
    return {
      error: sideOf({ control: !controlAnswered, shadow: !shadowAnswered }),
      invalid: sideOf({
        control: controlAnswered && (await isInvalid(documents.control)),
        shadow: await isInvalid(documents.shadow),
      }),
      ...measuresOf(control, shadow),
      scores:
        controlAnswered && documents.control !== null && documents.shadow !== null
          ? await judged(original, [answerText(documents.control), answerText(documents.shadow)], rollout)
          : null,
    };
  }

  /** What a judge gives the two answers, who sees neither whose they are nor which comes first; null without a verdict. */
  async function judged(
    { request, caller, bounds }: Original,
    answers: readonly [control: string, shadow: string],
    { candidateKey, controlKey }: ActiveRollout,
  ): Promise<ShadowPair['scores']> {
    const judge = judgeOf();
    // Judges prefer what they have written themselves.
    if (judge === undefined || [candidateKey, controlKey].some((key) => isSameModel(key, judge))) return null;
    const question = questionOf(request.body);
    const hold = await holdForJudge(judge, question, answers, bounds);
    if (typeof hold === 'string') return null;
    try {
      const scores = await askJudge(answers, {
        gateway,
        question,
        judge,
        criteria: null,
        span: null,
        caller,
        constraints: within(bounds),
        origin: 'shadow',
        reservation: reservationOf(hold),
        deadlineMs: judgeMs,
        signal: stopping.signal,
        random: options.random,
      });
      const [control, shadow] = scores ?? [];
      return control === undefined || shadow === undefined ? null : { control, shadow };
    } finally {
      await hold.settle(0);
    }
  }

  async function holdForJudge(
    judge: string,
    question: string,
    answers: readonly string[],
    bounds: Bounds,
  ): Promise<SpendingHold | Skipped> {
    const need = needOfJudge(judge, `${question}\n${answers.join('\n')}`, bounds);
    return need === null || need.costUsd === null ? 'price_unknown' : holdUsd(need.costUsd);
  }

  /** Null where it may not be asked, or is not there. */
  function needOfJudge(judge: string, text: string, bounds: Bounds): Need | null {
    try {
      const decision = gateway.consider({
        prompt: promptFromText(text),
        requestedModel: judge,
        origin: 'shadow',
        constraints: within(bounds),
      });
      return gateway.needOf(decision, null);
    } catch {
      return null;
    }
  }

  return {
    name: 'shadow',
    start: () => verifier.start(),

    watch(decision, original) {
      const { copiedTo: rollout, notCopied } = decision;
      if (notCopied !== null) skip(notCopied);
      if (rollout === null) return null;
      const { body, stream } = original.request;
      const reason = refusesCopy(body);
      if (reason !== null) {
        skip(reason);
        return null;
      }
      // Kept only where something is made of it.
      const kept = judgeOf() !== undefined || formOf(body) !== null ? createKeptAnswer(stream) : null;
      let isFinished = false;
      return {
        take: (chunk) => kept?.take(chunk),
        finish() {
          if (isFinished) return;
          isFinished = true;
          // After all that still has to be done for the user.
          setImmediate(() => {
            const attempt = attempts.of(decision);
            if (attempt === null || sideEnd(attempt) === null) return skip('no_control');
            const refused = refusal(rollout, kept);
            if (refused !== null) return skip(refused);
            const running = copy(rollout, decision, attempt, original, kept).catch((error: unknown) => {
              log.error({ err: error }, 'a copy for a model on trial failed');
            });
            underWay.add(running);
            void running.then(() => underWay.delete(running));
          });
        },
      };
    },

    async stop() {
      isStopping = true;
      const drained = new AbortController();
      const all = Promise.all(underWay);
      await Promise.race([all, sleep(drainMs, drained.signal)]);
      drained.abort();
      stopping.abort();
      await Promise.all(underWay);
      await verifier.stop();
    },
  };
}

/** Whoever may not see the request may not see it in a copy, nor its answer. */
function within({
  allowedModels,
  onlyProviders,
  ignoredProviders,
  providerOrder,
  allowsOtherProviders,
}: Bounds): DecisionRequest['constraints'] {
  return { ...anyModel, allowedModels, onlyProviders, ignoredProviders, providerOrder, allowsOtherProviders };
}

/** What copies use comes out of their own purse. */
function reservationOf(hold: SpendingHold): Reservation {
  return { headers: {}, settle: (spent) => void hold.settle(spent === null ? 0 : spent.costUsd) };
}
