import type { TradeOff } from '../../contracts/decision.ts';
import type { Policy, SelectionRequest } from './policy.ts';

/** How a request's terms are weighed. */
export interface Weighing {
  weights: Policy['weights'];
  /** The cost at which half of the cost weight counts, in USD. */
  costReferenceUsd: number;
}

/**
 * The trade-off that holds for a request; null: the weights as the policy has them. The request's own number comes first,
 * then its `prefer`, which is a word for the same, then the key's number, then the policy's. The quality floor has no say
 * where the request orders providers: nobody could keep it there. Pure.
 */
export function tradeOffOf(
  { tradeOff, prefer, providerOrder }: Pick<SelectionRequest, 'tradeOff' | 'prefer' | 'providerOrder'>,
  policy: Pick<Policy, 'tradeOff'>,
): TradeOff | null {
  if (tradeOff?.source === 'request') return tradeOff;
  if (prefer !== null) return null;
  const isFree = policy.tradeOff?.source !== 'quality_floor' || providerOrder.length === 0;
  return tradeOff ?? (isFree ? policy.tradeOff : null);
}

/**
 * The weights of a request. Without a trade-off those of the policy, with `prefer` multiplying its term. With a trade-off t
 *
 *     quality 2(1 − t)·w_q      cost 2t·w_c      all others 4t(1 − t)·w
 *
 * and costs are taken relative to the mean of those known, so that t means the same for cheap requests and for dear ones.
 * In the middle every weight is the policy's. At either end one term is left: the best model whatever it costs, the cheapest
 * whatever it can do. For fixed scores a greater t never chooses a dearer model, as far as the other terms do not differ.
 * Pure; costs in USD, null where unknown.
 */
export function weigh(
  { prefer }: Pick<SelectionRequest, 'prefer'>,
  { weights, preferMultiplier, costReferenceUsd }: Policy,
  tradeOff: TradeOff | null,
  costsUsd: ReadonlyArray<number | null>,
): Weighing {
  const factor = (preferred: typeof prefer): number => (prefer === preferred ? preferMultiplier : 1);
  if (tradeOff === null) {
    return {
      weights: {
        ...weights,
        quality: weights.quality * factor('quality'),
        cost: weights.cost * factor('cost'),
        latency: weights.latency * factor('speed'),
      },
      costReferenceUsd,
    };
  }
  const { value: t } = tradeOff;
  const others = 4 * t * (1 - t);
  return {
    weights: {
      quality: 2 * (1 - t) * weights.quality,
      cost: 2 * t * weights.cost,
      preference: others * weights.preference,
      latency: others * weights.latency * factor('speed'),
      affinity: others * weights.affinity,
    },
    costReferenceUsd: meanKnown(costsUsd) ?? costReferenceUsd,
  };
}

function meanKnown(values: ReadonlyArray<number | null>): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
