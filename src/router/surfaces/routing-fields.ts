import type { ProviderPreferences } from '../../contracts/openai.ts';
import type { RequestReading } from './surface.ts';

interface RoutingFields {
  session_id?: string | null | undefined;
  models?: string[] | null | undefined;
  provider?: ProviderPreferences | null | undefined;
  max_cost_usd?: number | null | undefined;
  cost_quality_tradeoff?: number | null | undefined;
}

/** What steers the choice, the same in every dialect. */
export function readRoutingFields(
  body: RoutingFields,
): Pick<
  RequestReading,
  'sessionId' | 'previousAnswerId' | 'models' | 'provider' | 'maxCostUsd' | 'costQualityTradeoff'
> {
  return {
    sessionId: body.session_id ?? null,
    previousAnswerId: null,
    models: body.models ?? null,
    provider: body.provider ?? null,
    maxCostUsd: body.max_cost_usd ?? null,
    costQualityTradeoff: body.cost_quality_tradeoff ?? null,
  };
}
