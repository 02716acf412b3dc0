import type { Prefer, TradeOff } from '../../contracts/decision.ts';
import type { Caller } from '../admission/admission.ts';
import type { DecisionRequest } from '../decide.ts';
import { anyModel, type Conversation } from '../select/policy.ts';
import type { RequestReading, Surface } from '../surfaces/surface.ts';

const preferBySort: Readonly<Record<string, Prefer>> = { price: 'cost', throughput: 'speed', latency: 'speed' };

/** What a request asks of the model that answers it. */
export function toDecisionRequest(
  surface: Surface,
  reading: RequestReading,
  caller: Caller,
  conversation: Conversation | null,
): DecisionRequest {
  const { provider, nativeOnly } = reading;
  return {
    prompt: reading.prompt,
    requestedModel: reading.model,
    models: reading.models,
    constraints: {
      ...anyModel,
      requiredCapabilities: reading.requiredCapabilities,
      maxOutputTokens: reading.maxOutputTokens,
      prefer: provider?.sort === undefined ? null : (preferBySort[provider.sort] ?? null),
      tradeOff: tradeOffFrom(reading.costQualityTradeoff, caller),
      nativeSurface: nativeOnly === null ? null : { name: surface.name, because: nativeOnly },
      // The provider that gave the answer before this one has kept it; nobody else can go on from there.
      onlyProviders:
        reading.previousAnswerId !== null && conversation !== null
          ? [providerOfKey(conversation.modelKey)]
          : (provider?.only ?? null),
      ignoredProviders: provider?.ignore ?? [],
      providerOrder: provider?.order ?? [],
      allowsOtherProviders: provider?.allow_fallbacks ?? true,
      allowedModels: caller.allowedModels,
      mayExplore: caller.mayExplore,
      requiresPrice: caller.hasBudget,
      maxInputUsdPerMillionTokens: provider?.max_price?.prompt ?? null,
      maxOutputUsdPerMillionTokens: provider?.max_price?.completion ?? null,
      maxCostUsd: reading.maxCostUsd,
      conversation,
    },
  };
}

/** As the request asks, else as its key does. */
export function tradeOffFrom(asked: number | null | undefined, caller: Caller): TradeOff | null {
  if (asked != null) return { value: asked, source: 'request' };
  return caller.costQualityTradeoff === null ? null : { value: caller.costQualityTradeoff, source: 'key' };
}

/** A provider's name holds no slash, a model's may. */
const providerOfKey = (modelKey: string): string => modelKey.slice(0, modelKey.indexOf('/'));
