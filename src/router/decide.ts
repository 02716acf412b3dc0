import type { Explanation, Prefer } from '../contracts/decision.ts';
import type { Capability } from '../contracts/model.ts';
import type { Classification, Complexity } from '../contracts/query-class.ts';
import { SignalboxError } from '../platform/core/errors.ts';
import { classify } from './classify/classify.ts';
import type { Prompt } from './classify/prompt.ts';
import { estimateInputTokens } from './predict/tokens.ts';
import { chooseModel, describeExclusions, type LatencyEstimate } from './select/choose.ts';
import { type PinnedModel, resolvePinned } from './select/pinned.ts';
import type { Policy, SelectionRequest } from './select/policy.ts';
import { autoVariants, parseRequestedModel } from './select/requested-model.ts';
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
  origin: 'auto' | 'pinned';
  classification: Classification;
  prefer: Prefer | null;
  requiredCapabilities: readonly Capability[];
  /** At least one step, the chosen model first. */
  chain: readonly [DecisionStep, ...DecisionStep[]];
  inputTokens: number;
  estimatedCostUsd: number | null;
  /** Probability with which the policy makes this choice; null where it was the client's. */
  propensity: number | null;
  policyVersion: string;
  explanation: Explanation;
}

/** What a request asks of the decision beside its prompt. */
export interface DecisionRequest {
  prompt: Prompt;
  requestedModel: string;
  /** Further models of the request, to be tried after the pinned one; with `auto`, the only ones to choose from. */
  models?: readonly string[] | undefined;
  complexity?: Complexity | undefined;
  constraints: Omit<SelectionRequest, 'queryType' | 'complexity' | 'inputTokens' | 'onlyModels' | 'inputModalities'>;
}

export interface DecisionContext {
  snapshot: Snapshot;
  policy: Policy;
  policyVersion: string;
  expectedTtftMs: LatencyEstimate;
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
  const choice =
    requested.kind === 'auto'
      ? chooseAutomatically(selection, context)
      : honourPinned([requested.name, ...(request.models ?? [])], classification.complexity, context.snapshot);

  return {
    decisionId: context.decisionId,
    timestampMs: context.nowMs,
    requestedModel: request.requestedModel,
    origin: requested.kind,
    classification,
    prefer,
    requiredCapabilities: selection.requiredCapabilities,
    inputTokens: selection.inputTokens,
    propensity: requested.kind === 'auto' ? 1 : null,
    policyVersion: context.policyVersion,
    ...choice,
  };
}

type Choice = Pick<Decision, 'chain' | 'estimatedCostUsd' | 'explanation'>;

function chooseAutomatically(selection: SelectionRequest, context: DecisionContext): Choice {
  const { snapshot, policy, expectedTtftMs } = context;
  const { chain, explanation } = chooseModel(snapshot.models, selection, policy, expectedTtftMs);
  const [first, ...rest] = chain.map(({ entry, candidate }): DecisionStep => ({
    modelId: entry.model.model_id,
    providerName: entry.provider.name,
    entry,
    complexityScore: candidate.complexity_score,
  }));
  if (first === undefined) {
    throw new SignalboxError(
      'no_eligible_model',
      `no eligible model: ${describeExclusions(explanation.excluded, explanation.excluded_counts)}`,
    );
  }
  return {
    chain: [first, ...rest],
    estimatedCostUsd: chain[0]?.candidate.estimated_cost_usd ?? null,
    explanation,
  };
}

function honourPinned(names: readonly string[], complexity: Complexity, snapshot: Snapshot): Choice {
  const [wanted = ''] = names;
  const resolved = names.map((name): PinnedModel[] => resolvePinned(name, snapshot));
  if ((resolved[0] ?? []).length === 0) {
    throw new SignalboxError(
      'model_not_found',
      `the model ${wanted} does not exist here; GET /v1/models lists those that do, auto chooses one`,
      { param: 'model' },
    );
  }
  const [first, ...rest] = resolved
    .flat()
    .map((pinned): DecisionStep => ({ ...pinned, complexityScore: pinned.entry?.scores[complexity].score ?? 0 }));
  if (first === undefined) throw new SignalboxError('model_not_found', `the model ${wanted} does not exist here`);
  return {
    chain: [first, ...rest],
    estimatedCostUsd: null,
    explanation: {
      summary: `${first.modelId} at ${first.providerName}, as the request asks`,
      candidates: [],
      excluded: [],
      excluded_counts: {},
    },
  };
}
