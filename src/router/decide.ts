import type { Exclusion, ExclusionReason, Explanation, Prefer } from '../contracts/decision.ts';
import type { Capability } from '../contracts/model.ts';
import type { Classification, Complexity } from '../contracts/query-class.ts';
import type { RaceLane } from '../contracts/race.ts';
import { SignalboxError } from '../platform/core/errors.ts';
import { classify } from './classify/classify.ts';
import type { Prompt } from './classify/prompt.ts';
import { estimateInputTokens } from './predict/tokens.ts';
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
import type { RoutableModel } from './select/routable-model.ts';
import type { Snapshot } from './snapshot/snapshot.ts';

/** One model of a decision's chain. `entry` is null for a pinned model that the catalogue does not list. */
export interface DecisionStep {
  modelId: string;
  providerName: string;
  entry: RoutableModel | null;
  complexityScore: number;
}

/** Which model answers a request, with all that explains it. */
export interface Decision {
  decisionId: string;
  timestampMs: number;
  requestedModel: string;
  origin: 'auto' | 'pinned' | 'race';
  classification: Classification;
  prefer: Prefer | null;
  requiredCapabilities: readonly Capability[];
  /** At least one step, the chosen model first. */
  chain: readonly [DecisionStep, ...DecisionStep[]];
  inputTokens: number;
  estimatedCostUsd: number | null;
  /** Probability with which the policy makes this choice; null where it was the client's. */
  propensity: number | null;
  /** False where the client calls the model itself, if at all. */
  expectsOutcome: boolean;
  policyVersion: string;
  explanation: Explanation;
  /** Of which race it is a lane; null: of none. */
  race: RaceLane | null;
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
  constraints: Omit<SelectionRequest, 'queryType' | 'complexity' | 'inputTokens' | 'onlyModels' | 'inputModalities'>;
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
  const { requested, classification, prefer, selection } = readRequest(request);
  const choice =
    requested.kind === 'auto'
      ? chooseAutomatically(selection, context)
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
    expectsOutcome: request.expectsOutcome ?? true,
    policyVersion: context.policyVersion,
    race: request.race === undefined ? null : { ...request.race, estimated_cost_usd: choice.estimatedCostUsd },
    ...choice,
  };
}

interface ReadRequest {
  requested: Exclude<RequestedModel, { kind: 'unknown_variant' }>;
  classification: Classification;
  prefer: Prefer | null;
  selection: SelectionRequest;
}

/** @throws SignalboxError `model_not_found` for an unknown variant of `auto`. */
function readRequest(request: DecisionRequest): ReadRequest {
  const requested = parseRequestedModel(request.requestedModel);
  if (requested.kind === 'unknown_variant') {
    throw new SignalboxError(
      'model_not_found',
      `unknown variant auto:${requested.variant}; there are ${autoVariants.map((name) => `auto:${name}`).join(', ')}`,
      { param: 'model' },
    );
  }
  const classified = classify(request.prompt);
  const forced = request.complexity ?? (requested.kind === 'auto' ? requested.complexity : null);
  const classification: Classification =
    forced === null ? classified : { ...classified, complexity: forced, complexity_confidence: 1 };
  const prefer = request.constraints.prefer ?? (requested.kind === 'auto' ? requested.prefer : null);

  const selection: SelectionRequest = {
    ...request.constraints,
    prefer,
    queryType: classification.query_type,
    complexity: classification.complexity,
    inputTokens: estimateInputTokens(request.prompt),
    inputModalities: request.prompt.modalities,
    onlyModels: requested.kind === 'auto' ? (request.models ?? null) : null,
  };
  return { requested, classification, prefer, selection };
}

/** The models of a race for the request, the best first; see `chooseField`. Fewer than `count` where there are no more. */
export function decideField(
  request: DecisionRequest,
  count: number,
  { snapshot, policy, expectedTtftMs }: DecisionContext,
): RoutableModel[] {
  const { selection } = readRequest(request);
  const { ranked, excluded } = rankModels(snapshot.models, selection, policy, expectedTtftMs);
  if (ranked.length === 0) throw noneEligible(excluded.slice(0, 20), countReasons(excluded));
  return chooseField(ranked, count).map(({ entry }) => entry);
}

type Choice = Pick<Decision, 'chain' | 'estimatedCostUsd' | 'propensity' | 'explanation'>;

function chooseAutomatically(selection: SelectionRequest, context: DecisionContext): Choice {
  const { snapshot, policy, expectedTtftMs } = context;
  // A conversation under way is no place for trials.
  const exploration = selection.mayExplore && selection.conversation === null ? context.exploration : null;
  const { chain, propensity, explanation } = chooseModel(
    snapshot.models,
    selection,
    policy,
    expectedTtftMs,
    exploration,
  );
  const [first, ...rest] = chain.map(({ entry, candidate }): DecisionStep => ({
    modelId: entry.model.model_id,
    providerName: entry.provider.name,
    entry,
    complexityScore: candidate.complexity_score,
  }));
  if (first === undefined) {
    throw noneEligible(explanation.excluded, explanation.excluded_counts);
  }
  return {
    chain: [first, ...rest],
    estimatedCostUsd: chain[0]?.candidate.estimated_cost_usd ?? null,
    propensity,
    explanation,
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
  const places = names.map((name) => resolvePinned(name, snapshot, selection.providerOrder));
  if ((places[0] ?? []).length === 0) {
    throw new SignalboxError(
      'model_not_found',
      `the model ${wanted} does not exist here; GET /v1/models lists those that do, auto chooses one`,
      { param: 'model' },
    );
  }
  const judged = places.flat().map((place) => ({ place, refusal: refusesPinned(place, selection, snapshot) }));
  const [first, ...rest] = judged
    .filter(({ refusal }) => refusal === null)
    .map(({ place }): DecisionStep => ({
      ...place,
      complexityScore: place.entry?.scores[selection.complexity].score ?? 0,
    }));
  if (first === undefined) throw refusedPin(wanted, judged[0]?.refusal ?? 'provider_not_allowed', selection);
  return {
    chain: [first, ...rest],
    estimatedCostUsd: first.entry === null ? null : estimatedCostUsd(first.entry, selection, policy),
    propensity: null,
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
