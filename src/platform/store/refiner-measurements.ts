import type { Executor } from '../postgres/pool.ts';

/** How soon a small and cheap model begins to answer. */
export interface RefinerMeasurement {
  provider: string;
  modelId: string;
  isRefiner: boolean;
  /** Whether an operator has said whether it is fast. */
  isSpeedPinned: boolean;
  calls: number;
  /** Median time to the first token in milliseconds; null without calls. */
  p50Ms: number | null;
}

/**
 * Of stable models that cost at most so much, in USD per million tokens, and generate text: their calls of the last `days`
 * that succeeded and whose first token was timed. Ordered by provider and id.
 */
export async function measureRefiners(
  db: Executor,
  most: { inputUsdPerMillion: number; outputUsdPerMillion: number; days: number },
): Promise<RefinerMeasurement[]> {
  const { rows } = await db.query<{
    provider: string;
    model_id: string;
    refiner: boolean;
    is_speed_pinned: boolean;
    calls: number;
    p50_ms: number | null;
  }>(
    `select m.provider, m.model_id, m.refiner, 'capabilities.fast_inference' = any(m.pinned_fields) as is_speed_pinned,
       count(r.time_to_first_token_ms)::integer as calls,
       percentile_cont(0.5) within group (order by r.time_to_first_token_ms) as p50_ms
     from models m
     left join routing_records r on r.model = m.model_id and r.provider = m.provider and r.outcome = 'success'
       and r.time_to_first_token_ms is not null and r.timestamp > now() - make_interval(days => $3)
     where m.listed and m.status = 'stable' and (m.capabilities ->> 'text_generation')::boolean
       and m.input_usd_per_million_tokens <= $1 and m.output_usd_per_million_tokens <= $2
     group by m.provider, m.model_id order by m.provider, m.model_id`,
    [most.inputUsdPerMillion, most.outputUsdPerMillion, most.days],
  );
  return rows.map((row) => ({
    provider: row.provider,
    modelId: row.model_id,
    isRefiner: row.refiner,
    isSpeedPinned: row.is_speed_pinned,
    calls: row.calls,
    p50Ms: row.p50_ms,
  }));
}

/**
 * Makes a model a refiner. That it is fast is set with it, so that a refresh, which derives refiners anew, comes to the
 * same.
 */
export async function makeRefiner(db: Executor, model: { provider: string; modelId: string }): Promise<void> {
  await db.query(
    `update models set refiner = true, capabilities = capabilities || '{"fast_inference": true}', updated_at = now(),
       pinned_fields = array(select distinct unnest(array_append(pinned_fields, 'capabilities.fast_inference')) order by 1)
     where provider = $1 and model_id = $2`,
    [model.provider, model.modelId],
  );
}
