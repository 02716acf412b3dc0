import type { Endpoint, Provider, ProviderKind } from '../platform/providers/definitions.ts';
import type { SpanAttributes } from '../platform/telemetry/span.ts';
import type { Decision, DecisionStep } from './decide.ts';
import type { AttemptOutcome } from './publish/events.ts';

/** How OpenTelemetry's GenAI conventions call kinds of providers, where it is not as we do. */
const providerNames: Partial<Record<ProviderKind, string>> = {
  azure: 'azure.ai.openai',
  bedrock: 'aws.bedrock',
  gemini: 'gcp.gemini',
  mistral: 'mistral_ai',
  xai: 'x_ai',
};

const operations: Readonly<Record<Endpoint, string>> = {
  chat: 'chat',
  messages: 'chat',
  responses: 'chat',
  embeddings: 'embeddings',
  images: 'generate_content',
  audio: 'generate_content',
  moderations: 'moderation',
};

/** Longest name that is told as it was sent. */
const longestName = 200;

/** Of the request: what was decided for it, and how sure. */
export function decisionAttributes(decision: Decision, surface: Endpoint): SpanAttributes {
  const { classification, chain, propensity, estimatedCostUsd, rollout } = decision;
  return {
    'gen_ai.operation.name': operations[surface],
    'gen_ai.request.model': decision.requestedModel.slice(0, longestName),
    'signalbox.decision.id': decision.decisionId,
    'signalbox.decision.origin': decision.origin,
    'signalbox.decision.policy_version': decision.policyVersion,
    'signalbox.decision.query_type': classification.query_type,
    'signalbox.decision.complexity': classification.complexity,
    'signalbox.decision.model': chain[0].modelId,
    'signalbox.decision.provider': chain[0].providerName,
    ...(propensity === null ? {} : { 'signalbox.decision.propensity': propensity }),
    ...(estimatedCostUsd === null ? {} : { 'signalbox.decision.estimated_cost_usd': estimatedCostUsd }),
    ...(rollout === null ? {} : { 'signalbox.rollout.id': rollout.rollout_id, 'signalbox.rollout.arm': rollout.arm }),
  };
}

/** Of the request: who answered it, after how many calls. */
export function answerAttributes({ step, attempts }: { step: DecisionStep; attempts: number }): SpanAttributes {
  return {
    'signalbox.model': step.modelId,
    'signalbox.provider': step.providerName,
    'signalbox.attempts': attempts,
  };
}

/** What is called, as metrics know it too. */
export function calledAttributes(provider: Provider, model: string, surface: Endpoint): SpanAttributes {
  const { protocol, hostname, port } = new URL(provider.baseUrl);
  return {
    'gen_ai.operation.name': operations[surface],
    'gen_ai.provider.name': providerNames[provider.kind] ?? provider.kind,
    'gen_ai.request.model': model.slice(0, longestName),
    'server.address': hostname,
    'server.port': port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
    'signalbox.provider': provider.name,
  };
}

/** Why a call is made. */
export function attemptAttributes({ decisionId, race }: Decision, isHedge: boolean): SpanAttributes {
  return {
    'signalbox.decision.id': decisionId,
    ...(isHedge ? { 'signalbox.hedge': true } : {}),
    ...(race === null
      ? {}
      : {
          'signalbox.race.id': race.race_id,
          'signalbox.race.strategy': race.strategy,
          'signalbox.race.lane': race.lane,
        }),
  };
}

/** What became of it. */
export function outcomeAttributes(attempt: AttemptOutcome, finishReason: string | null): SpanAttributes {
  const { usage, costUsd, responseModel, timeToFirstTokenMs, httpStatus } = attempt;
  return {
    // As the decision's records number them.
    'signalbox.attempt': attempt.index,
    'signalbox.outcome': attempt.outcome,
    'gen_ai.request.stream': attempt.streamed,
    ...(httpStatus === null ? {} : { 'http.response.status_code': httpStatus }),
    ...(responseModel === null ? {} : { 'gen_ai.response.model': responseModel.slice(0, longestName) }),
    ...(finishReason === null ? {} : { 'gen_ai.response.finish_reasons': [finishReason] }),
    ...(timeToFirstTokenMs === null ? {} : { 'gen_ai.response.time_to_first_chunk': timeToFirstTokenMs / 1000 }),
    ...(costUsd === null ? {} : { 'signalbox.cost_usd': costUsd }),
    ...(usage === null
      ? {}
      : {
          'gen_ai.usage.input_tokens': usage.inputTokens,
          'gen_ai.usage.output_tokens': usage.outputTokens,
          'gen_ai.usage.cache_read.input_tokens': usage.cachedInputTokens,
          'gen_ai.usage.reasoning.output_tokens': usage.reasoningTokens,
          ...(attempt.usageEstimated ? { 'signalbox.usage_estimated': true } : {}),
        }),
  };
}

/** The class of an attempt's error; null where it answered. */
export function errorOf({ outcome, errorCode }: AttemptOutcome): string | null {
  return outcome === 'success' ? null : (errorCode ?? outcome);
}
