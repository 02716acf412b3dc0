import type { Candidate, Exclusion, ExclusionReason, Explanation, Prefer } from '../contracts/decision.ts';
import type { Capability } from '../contracts/model.ts';
import type { Classification, Complexity } from '../contracts/query-class.ts';
import type { RaceLane } from '../contracts/race.ts';
import type { RolloutLabel } from '../contracts/rollout.ts';
import { SignalboxError } from '../platform/core/errors.ts';
import type { Provider } from '../platform/providers/definitions.ts';
import { classify } from './classify/classify.ts';
import { hashFeatures, sampleOf } from './classify/hash-features.ts';
import type { Prompt } from './classify/prompt.ts';
import { tokenise } from './classify/tokens.ts';
import { estimateInputTokens } from './predict/tokens.ts';
import { allowedUnder, boundsOfName, modelsOfName } from './select/aliases.ts';
import { asOfControl, assignArm, chooseCopy, explainArm } from './select/canary.ts';
import {
  chooseModel,
  countReasons,
  describeExclusions,
  type Exploration,
  type LatencyEstimate,
  rankModels,
} from './select/choose.ts';
import { chooseField } from './select/field.ts';
import { estimatedCostUsd } from './select/filter.ts';
import { type PinnedRefusal, refusesPinned, resolvePinned } from './select/pinned.ts';
import type { Policy, SelectionRequest } from './select/policy.ts';
import { autoVariants, parseRequestedModel, type RequestedModel } from './select/requested-model.ts';
import { type CopyTarget, type NotCopied, type TrialTerms, unitOf } from './select/rollout.ts';
import type { RoutableModel } from './select/routable-model.ts';
import type { ScoredModel } from './select/score.ts';
import type { Snapshot } from './snapshot/snapshot.ts';

/** One model of a decision's chain. `entry` is null for a pinned model that the catalogue does not list. */
export interface DecisionStep {
  modelId: string;
  providerName: string;
  /** As it was configured at the decision: the request ends with it, whatever changes meanwhile. */
  provider: Provider;
  entry: RoutableModel | null;
  complexityScore: number;
}

/** Which model answers a request, with all that explains it. */
export interface Decision {
  decisionId: string;
  timestampMs: number;
  requestedModel: string;
  origin: 'auto' | 'pinned' | 'race' | 'canary' | 'shadow';
  classification: Classification;
  prefer: Prefer | null;
  requiredCapabilities: readonly Capability[];
  /** At least one step, the chosen model first. */
  chain: readonly [DecisionStep, ...DecisionStep[]];
  inputTokens: number;
  estimatedCostUsd: number | null;
  /** Probability with which the policy makes this choice; null where it was the client's. */
  propensity: number | null;
  /** What the prompt is made of, as `sampleOf` gives it. */
  features: Uint16Array;
  /** What this says of the models; see `SelectionRequest`. */
  successShifts: ReadonlyMap<string, number> | null;
  /** Which predictor there was, and whether the choice was made with it; null: the choice was not the policy's. */
  predictor: { version: number; arm: 'used' | 'held_out' } | null;
  /** Part of its expected cost by which the choice is dearer than the best; null where it is the best, or not known. */
  explorationShare: number | null;
  /** False where the client calls the model itself, if at all. */
  expectsOutcome: boolean;
  policyVersion: string;
  explanation: Explanation;
  /** Of which race it is a lane; null: of none. */
  race: RaceLane | null;
  /** Of which rollout it is part, and in which arm; null: of none. */
  rollout: RolloutLabel | null;
  /** To whose candidate the request is copied once it is answered; null: to none. */
  copiedTo: CopyTarget | null;
  /** Why it is not, where requests for which the same model was chosen are. */
  notCopied: NotCopied | null;
}

/** What a request asks of the decision beside its prompt. */
export interface DecisionRequest {
  prompt: Prompt;
  requestedModel: string;
  /** Further models of the request, to be tried after the pinned one; with `auto`, the only ones to choose from. */
  models?: readonly string[] | null | undefined;
  complexity?: Complexity | undefined;
  /** True unless said otherwise. */
  expectsOutcome?: boolean;
  /** The decision is a lane of this race, and `requestedModel` its model. */
  race?: RaceLane;
  /** Where it is not what the requested model says. */
  origin?: Decision['origin'];
  /** How it takes part in trials of new models; without, it takes no part. */
  trial?: TrialTerms;
  /** The decision is a copy for this rollout, and `requestedModel` its candidate. */
  rollout?: RolloutLabel;
  constraints: Omit<
    SelectionRequest,
    'queryType' | 'complexity' | 'inputTokens' | 'onlyModels' | 'inputModalities' | 'successShifts'
  >;
}

export interface DecisionContext {
  snapshot: Snapshot;
  policy: Policy;
  policyVersion: string;
  expectedTtftMs: LatencyEstimate;
  /** Null: the best model, in any case. */
  exploration: Exploration | null;
  decisionId: string;
  nowMs: number;
}

/**
 * Decides. Pure: time, id and knowledge come in.
 *
 * @throws SignalboxError `model_not_found` for a name that says nothing here, `no_eligible_model` when the filters leave
 * none, with the filter that emptied the list.
 */
export function decide(request: DecisionRequest, context: DecisionContext): Decision {
  const { requested, classification, prefer, features, predictor, selection } = readRequest(request, context);
  const choice =
    requested.kind === 'auto'
      ? chooseAutomatically(selection, context, request.expectsOutcome === false ? null : (request.trial ?? null))
      : honourPinned([requested.name, ...(request.models ?? [])], selection, context);

  return {
    decisionId: context.decisionId,
    timestampMs: context.nowMs,
    requestedModel: request.requestedModel,
    origin: request.origin ?? requested.kind,
    classification,
    prefer,
    requiredCapabilities: selection.requiredCapabilities,
    inputTokens: selection.inputTokens,
    features,
    successShifts: selection.successShifts,
    predictor: (request.origin ?? requested.kind) === 'auto' ? predictor : null,
    expectsOutcome: request.expectsOutcome ?? true,
    policyVersion: context.policyVersion,
    race: request.race === undefined ? null : { ...request.race, estimated_cost_usd: choice.estimatedCostUsd },
    rollout: request.rollout ?? null,
    copiedTo: null,
    notCopied: null,
    ...choice,
  };
}

interface ReadRequest {
  requested: Exclude<RequestedModel, { kind: 'unknown_variant' }>;
  classification: Classification;
  prefer: Prefer | null;
  features: Uint16Array;
  predictor: Decision['predictor'];
  selection: SelectionRequest;
}

/** @throws SignalboxError `model_not_found` for an unknown variant of `auto`. */
function readRequest(
  request: DecisionRequest,
  { snapshot, policy, decisionId }: Pick<DecisionContext, 'snapshot' | 'policy' | 'decisionId'>,
): ReadRequest {
  const requested = parseRequestedModel(request.requestedModel);
  if (requested.kind === 'unknown_variant') {
    throw new SignalboxError(
      'model_not_found',
      `unknown variant auto:${requested.variant}; there are ${autoVariants.map((name) => `auto:${name}`).join(', ')}`,
      { param: 'model' },
    );
  }
  const tokens = tokenise(request.prompt.question);
  const classified = classify(request.prompt, tokens);
  const forced = request.complexity ?? (requested.kind === 'auto' ? requested.complexity : null);
  const classification: Classification =
    forced === null ? classified : { ...classified, complexity: forced, complexity_confidence: 1 };
  const prefer = request.constraints.prefer ?? (requested.kind === 'auto' ? requested.prefer : null);

  const allFeatures = hashFeatures(request.prompt, tokens);
  const features = sampleOf(allFeatures);
  // A version of 0 is what comes with the product: it has learned from whole prompts, and nothing is compared with it.
  const version = snapshot.predictor?.version ?? 0;
  const isHeldOut = shareOf(decisionId) < policy.predictorHoldout;
  // A pinned model is no choice; how well a lane's model should do is a vote's weight.
  const isOfUse = requested.kind === 'auto' || request.race !== undefined;
  const isWith = isOfUse && !(isHeldOut && version > 0);
  const known = version === 0 ? allFeatures : features;
  const shifts = isWith ? (snapshot.predictor?.shifts(known, classification.complexity) ?? null) : null;

  const listed = requested.kind === 'auto' ? (request.models ?? null) : null;
  const selection: SelectionRequest = {
    ...request.constraints,
    allowedModels: allowedUnder(listed ?? [], request.constraints.allowedModels, policy.aliases),
    prefer,
    queryType: classification.query_type,
    complexity: classification.complexity,
    inputTokens: estimateInputTokens(request.prompt),
    inputModalities: request.prompt.modalities,
    onlyModels: listed?.flatMap((name) => modelsOfName(name, policy.aliases)) ?? null,
    successShifts: shifts,
  };
  const predictor = version === 0 ? null : ({ version, arm: isHeldOut ? 'held_out' : 'used' } as const);
  return { requested, classification, prefer, features, predictor, selection };
}

/** A number in [0, 1) that follows from the random bits at the end of an id. */
function shareOf(decisionId: string): number {
  return Number.parseInt(decisionId.slice(-8), 16) / 2 ** 32;
}

/** The models of a race for the request, the best first; see `chooseField`. Fewer than `count` where there are no more. */
export function decideField(request: DecisionRequest, count: number, context: DecisionContext): RoutableModel[] {
  const { snapshot, policy, expectedTtftMs } = context;
  const { selection } = readRequest(request, context);
  const { ranked, excluded } = rankModels(snapshot.models, selection, policy, expectedTtftMs);
  if (ranked.length === 0) throw noneEligible(excluded.slice(0, 20), countReasons(excluded));
  return chooseField(ranked, count).map(({ entry }) => entry);
}

type Choice = Pick<Decision, 'chain' | 'estimatedCostUsd' | 'propensity' | 'explorationShare' | 'explanation'> &
  Partial<Pick<Decision, 'origin' | 'rollout' | 'copiedTo' | 'notCopied'>>;

function chooseAutomatically(selection: SelectionRequest, context: DecisionContext, trial: TrialTerms | null): Choice {
  const { snapshot, policy, expectedTtftMs } = context;
  const conversation = trial === null ? selection.conversation : asOfControl(selection.conversation, snapshot);
  // A conversation under way is no place for trials.
  const exploration = selection.mayExplore && selection.conversation === null ? context.exploration : null;
  const { chain, propensity, explanation } = chooseModel(
    snapshot.models,
    { ...selection, conversation },
    policy,
    expectedTtftMs,
    exploration,
  );
  const [first, ...rest] = chain.map(({ entry }) => stepOf(entry, selection, snapshot));
  if (first === undefined) {
    throw noneEligible(explanation.excluded, explanation.excluded_counts);
  }
  const choice: Choice = {
    chain: [first, ...rest],
    estimatedCostUsd: chain[0]?.costUsd ?? null,
    propensity,
    explorationShare: explorationShare(chain[0], explanation.candidates[0]),
    explanation,
  };
  return trial === null ? choice : tryOut(choice, first.entry, selection, context, trial);
}

/** Below 0 for a trial of a cheaper model. */
function explorationShare(chosen: ScoredModel | undefined, best: Candidate | undefined): number | null {
  if (chosen === undefined || best === undefined) return null;
  const { entry, costUsd } = chosen;
  if (entry.model.model_id === best.model && entry.model.provider === best.provider) return null;
  const { estimated_cost_usd: bestCostUsd } = best;
  return costUsd === null || costUsd === 0 || bestCostUsd === null ? null : 1 - bestCostUsd / costUsd;
}

interface ListedStep extends DecisionStep {
  entry: RoutableModel;
}

function stepOf(entry: RoutableModel, { complexity }: SelectionRequest, snapshot: Snapshot): ListedStep {
  return {
    modelId: entry.model.model_id,
    providerName: entry.provider.name,
    provider: providerOf(entry.provider.name, snapshot),
    entry,
    complexityScore: entry.scores[complexity].score,
  };
}

function providerOf(name: string, { providers }: Snapshot): Provider {
  const provider = providers.get(name);
  if (provider === undefined) throw new SignalboxError('internal', `provider ${name} is not configured`);
  return provider;
}

/** The choice with what rollouts make of it. A canary goes before the whole chain, so that it takes nobody's place in it. */
function tryOut(
  choice: Choice,
  chosen: RoutableModel,
  selection: SelectionRequest,
  { snapshot, policy }: DecisionContext,
  trial: TrialTerms,
): Choice {
  const assigned = assignArm(chosen, selection, policy, snapshot, trial);
  if (assigned === null) return { ...choice, ...chooseCopy(chosen, selection, policy, snapshot, trial) };
  const { rollout, arm, candidate, probability } = assigned;
  const labelled: Choice = {
    ...choice,
    rollout: {
      rollout_id: rollout.rolloutId,
      arm,
      share: rollout.share,
      unit: unitOf(rollout.rolloutId, trial.conversationId),
    },
    propensity: choice.propensity === null ? null : choice.propensity * probability,
    explanation: explainArm(choice.explanation, assigned, chosen),
  };
  if (arm === 'control') return labelled;
  return {
    ...labelled,
    origin: 'canary',
    chain: [
      stepOf(candidate, selection, snapshot),
      ...choice.chain.filter(({ entry }) => entry?.key !== candidate.key),
    ],
    estimatedCostUsd: estimatedCostUsd(candidate, selection, policy),
  };
}

function noneEligible(
  excluded: readonly Exclusion[],
  counts: Partial<Record<ExclusionReason, number>>,
): SignalboxError {
  return new SignalboxError('no_eligible_model', `no eligible model: ${describeExclusions(excluded, counts)}`);
}

function honourPinned(
  names: readonly string[],
  selection: SelectionRequest,
  { snapshot, policy }: DecisionContext,
): Choice {
  const [wanted = ''] = names;
  const places = names.map((name) =>
    modelsOfName(name, policy.aliases).flatMap((model) => resolvePinned(model, snapshot, selection.providerOrder)),
  );
  if ((places[0] ?? []).length === 0) {
    throw new SignalboxError(
      'model_not_found',
      `the model ${wanted} does not exist here; GET /v1/models lists those that do, auto chooses one`,
      { param: 'model' },
    );
  }
  const judged = places.flatMap((ofName, index) => {
    const bounds = boundsOfName(names[index] ?? '', selection, policy.aliases);
    return ofName.map((place) => ({ place, refusal: refusesPinned(place, bounds, snapshot) }));
  });
  // Names may overlap; a model that failed is not to be called again as its own fallback.
  const distinct = new Map(
    judged
      .filter(({ refusal }) => refusal === null)
      .map(({ place }) => [`${place.providerName}/${place.modelId}`, place]),
  );
  const [first, ...rest] = [...distinct.values()].map((place): DecisionStep => ({
    ...place,
    provider: providerOf(place.providerName, snapshot),
    complexityScore: place.entry?.scores[selection.complexity].score ?? 0,
  }));
  if (first === undefined) throw refusedPin(wanted, judged[0]?.refusal ?? 'provider_not_allowed', selection);
  return {
    chain: [first, ...rest],
    estimatedCostUsd: first.entry === null ? null : estimatedCostUsd(first.entry, selection, policy),
    propensity: null,
    explorationShare: null,
    explanation: {
      summary: `${first.modelId} at ${first.providerName}, as the request asks`,
      candidates: [],
      excluded: [],
      excluded_counts: {},
    },
  };
}

function refusedPin(name: string, refusal: PinnedRefusal, { nativeSurface }: SelectionRequest): SignalboxError {
  switch (refusal) {
    case 'model_not_allowed':
      return new SignalboxError('model_not_allowed', `the key may not use the model ${name}`, { param: 'model' });
    case 'price_unknown':
      return new SignalboxError('price_unknown', `a budget holds the key, and the price of ${name} is not known`, {
        param: 'model',
      });
    case 'provider_not_allowed':
      return new SignalboxError('no_eligible_model', `the request allows no provider that has ${name}`, {
        param: 'provider',
      });
    case 'surface': {
      const { because, name: surface } = nativeSurface ?? { because: 'it', name: 'this surface' };
      const message = `${because}: no provider of ${name} speaks ${surface} itself, and no translation has it`;
      return new SignalboxError('invalid_request', message, { param: because });
    }
  }
}
