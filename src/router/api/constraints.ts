import type { Prefer } from '../../contracts/decision.ts';
import type { Capability } from '../../contracts/model.ts';
import type { ChatCompletionRequest } from '../../contracts/openai.ts';
import type { DecisionRequest } from '../decide.ts';
import { anyModel } from '../select/policy.ts';

const preferBySort: Readonly<Record<string, Prefer>> = { price: 'cost', throughput: 'speed', latency: 'speed' };

/** What a chat request asks of the model that answers it. */
export function constraintsOfChat(body: ChatCompletionRequest): DecisionRequest['constraints'] {
  const { provider } = body;
  const required: Capability[] = [];
  if (body.stream === true) required.push('streaming');
  if ((body.tools ?? []).length > 0) required.push('function_calling');
  return {
    ...anyModel,
    requiredCapabilities: required,
    maxOutputTokens: body.max_completion_tokens ?? body.max_tokens ?? null,
    prefer: provider?.sort === undefined ? null : (preferBySort[provider.sort] ?? null),
    onlyProviders: provider?.only ?? null,
    ignoredProviders: provider?.ignore ?? [],
    maxInputUsdPerMillionTokens: provider?.max_price?.prompt ?? null,
    maxOutputUsdPerMillionTokens: provider?.max_price?.completion ?? null,
    maxCostUsd: body.max_cost_usd ?? null,
  };
}
