import { calcPrice, type ConditionalPrice, type ModelPrice } from '@pydantic/genai-prices';

/** US dollars per million tokens, below the first tier of long prompts. Null is unknown, never free. */
export interface ListPrice {
  inputUsdPerMillionTokens: number | null;
  outputUsdPerMillionTokens: number | null;
  cachedInputUsdPerMillionTokens: number | null;
  cacheWriteUsdPerMillionTokens: number | null;
}

export interface PriceListEntry {
  price: ListPrice;
  contextWindow: number | null;
  deprecated: boolean;
}

export const unknownPrice: ListPrice = {
  inputUsdPerMillionTokens: null,
  outputUsdPerMillionTokens: null,
  cachedInputUsdPerMillionTokens: null,
  cacheWriteUsdPerMillionTokens: null,
};

/** What the price list has of a model, with the price in force at `at`. Undefined when it does not have the model. */
export function findInPriceList(priceListId: string, modelId: string, at: Date): PriceListEntry | undefined {
  // The price of no usage at all: asked for the entry that matches the id, which the list's own rules find.
  const match = calcPrice({}, modelId, { providerId: priceListId, timestamp: at });
  if (match === null) return undefined;
  const { prices, context_window: contextWindow, deprecated } = match.model;
  return {
    price: toListPrice(priceInForce(prices, at)),
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

function toListPrice(price: ModelPrice): ListPrice {
  return {
    inputUsdPerMillionTokens: base(price['input_mtok']),
    outputUsdPerMillionTokens: base(price['output_mtok']),
    cachedInputUsdPerMillionTokens: base(price['cache_read_mtok']),
    cacheWriteUsdPerMillionTokens: base(price['cache_write_mtok']),
  };
}

function base(price: ModelPrice[string]): number | null {
  return price === undefined ? null : typeof price === 'number' ? price : price.base;
}
