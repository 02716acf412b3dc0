import { calcPrice, type ConditionalPrice, type ModelPrice } from '@pydantic/genai-prices';
import type { Costs, PriceTier } from '../../contracts/index.ts';

export interface PriceListEntry {
  costs: Costs;
  contextWindow: number | null;
  deprecated: boolean;
}

export const unknownCosts: Costs = {
  input_tokens_per_1k: null,
  output_tokens_per_1k: null,
  cached_input_tokens_per_1k: null,
  cache_write_tokens_per_1k: null,
  currency: 'USD',
};

/**
 * What the classes of service cost, by price list and as a factor on the list price: the price lists do not have it.
 * Left out is what differs by model or by contract, such as `priority`: its price stays unknown.
 */
const serviceTiersOfList: Readonly<Record<string, Costs['service_tiers']>> = {
  openai: { batch: 0.5, flex: 0.5 },
  // `us`: held within the United States, which is offered for models from Opus 4.6 on.
  anthropic: { batch: 0.5, us: 1.1 },
  google: { batch: 0.5, flex: 0.5 },
  // Cheaper in that it may fail, not in price.
  groq: { flex: 1 },
};

/** What the price list has of a model, with the prices in force at `at`. Undefined when it does not have the model. */
export function findInPriceList(priceListId: string, modelId: string, at: Date): PriceListEntry | undefined {
  // The price of no usage at all: asked for the entry that matches the id, which the list's own rules find.
  const match = calcPrice({}, modelId, { providerId: priceListId, timestamp: at });
  if (match === null) return undefined;
  const { prices, context_window: contextWindow, deprecated } = match.model;
  return {
    costs: toCosts(priceInForce(prices, at), serviceTiersOfList[priceListId]),
    contextWindow: contextWindow ?? null,
    deprecated: deprecated ?? false,
  };
}

/**
 * The price in force on a date. Of several that hold by the hour the dearest is taken: costs are then not
 * underestimated, and do not move through the day.
 */
export function priceInForce(prices: ModelPrice | readonly ConditionalPrice[], at: Date): ModelPrice {
  if (!isConditional(prices)) return prices;
  let dated: ModelPrice = prices[0]?.prices ?? {};
  const hourly: ModelPrice[] = [];
  for (const { constraint, prices: price } of prices) {
    if (constraint === undefined) dated = price;
    else if (constraint.type === 'time_of_date') hourly.push(price);
    else if (at >= new Date(constraint.start_date)) dated = price;
  }
  return hourly.reduce((dearest, price) => (sum(price) > sum(dearest) ? price : dearest), dated);
}

function isConditional(prices: ModelPrice | readonly ConditionalPrice[]): prices is readonly ConditionalPrice[] {
  return Array.isArray(prices);
}

const sum = (price: ModelPrice): number => (base(price['input_mtok']) ?? 0) + (base(price['output_mtok']) ?? 0);

/** The list's names of the prices that change with the length of the input. */
const listNames = {
  input: 'input_mtok',
  output: 'output_mtok',
  cachedInput: 'cache_read_mtok',
  cacheWrite: 'cache_write_mtok',
  longCacheWrite: 'cache_write_1h_mtok',
} as const;

function toCosts(price: ModelPrice, serviceTiers: Costs['service_tiers']): Costs {
  const tiers = tiersOf(price);
  return {
    input_tokens_per_1k: perThousand(base(price[listNames.input])),
    output_tokens_per_1k: perThousand(base(price[listNames.output])),
    cached_input_tokens_per_1k: perThousand(base(price[listNames.cachedInput])),
    cache_write_tokens_per_1k: perThousand(base(price[listNames.cacheWrite])),
    currency: 'USD',
    ...known('long_cache_write_tokens_per_1k', base(price[listNames.longCacheWrite])),
    ...known('reasoning_tokens_per_1k', base(price['output_reasoning_mtok'])),
    ...known('audio_input_tokens_per_1k', base(price['input_audio_mtok'])),
    ...known('audio_output_tokens_per_1k', base(price['output_audio_mtok'])),
    ...(tiers.length > 0 && { tiers }),
    ...(serviceTiers !== undefined && { service_tiers: { ...serviceTiers } }),
  };
}

/**
 * The list gives each price tiers of its own, which hold for the whole request once its input is longer than their
 * start; here a tier has all prices, those that do not change included.
 */
function tiersOf(price: ModelPrice): PriceTier[] {
  const starts = Object.values(listNames).flatMap((name) => {
    const tiered = price[name];
    return typeof tiered === 'object' ? tiered.tiers.map((tier) => tier.start) : [];
  });
  return [...new Set(starts)]
    .sort((a, b) => a - b)
    .map((start) => ({
      above_input_tokens: start,
      input_tokens_per_1k: perThousand(above(price[listNames.input], start)),
      output_tokens_per_1k: perThousand(above(price[listNames.output], start)),
      ...known('cached_input_tokens_per_1k', above(price[listNames.cachedInput], start)),
      ...known('cache_write_tokens_per_1k', above(price[listNames.cacheWrite], start)),
      ...known('long_cache_write_tokens_per_1k', above(price[listNames.longCacheWrite], start)),
    }));
}

function base(price: ModelPrice[string]): number | null {
  return price === undefined ? null : typeof price === 'number' ? price : price.base;
}

/** The price of requests with more input than `start`. The list keeps tiers in rising order. */
function above(price: ModelPrice[string], start: number): number | null {
  const tiers = typeof price === 'object' ? price.tiers : [];
  return tiers.findLast((tier) => tier.start <= start)?.price ?? base(price);
}

/** A price that is left out where it is unknown. */
function known<Name extends string>(name: Name, usdPerMillion: number | null): Partial<Record<Name, number | null>> {
  return usdPerMillion === null ? {} : ({ [name]: perThousand(usdPerMillion) } as Record<Name, number | null>);
}

// Rounded, for a binary fraction divided is not always the shortest one of the quotient.
function perThousand(usdPerMillion: number | null): number | null {
  return usdPerMillion === null ? null : Number((usdPerMillion / 1000).toPrecision(12));
}
