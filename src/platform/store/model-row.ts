import {
  capabilitiesSchema,
  type Model,
  type ModelStatus,
  modalitySchema,
  type Performance,
  performanceSchema,
  type PriceDetails,
  priceDetailsSchema,
} from '../../contracts/index.ts';
import { z } from 'zod';

/** What the catalogue says of a model, without what was measured of it. */
export type CatalogueModel = Omit<Model, 'performance' | 'usage_count' | 'updated_at'>;

/** A row with what a writer needs to know: where it came from and what an operator has set. */
export interface StoredModel {
  model: CatalogueModel;
  source: 'discovered' | 'manual';
  listed: boolean;
  /** Paths in the JSON of a model, such as `status` or `costs.input_tokens_per_1k`. */
  pinnedFields: string[];
  declaredPerformance: Partial<Performance>;
  /** Mean time to the first token, and of how many calls. */
  measuredTimeToFirstTokenMs: number | null;
  timeToFirstTokenCount: number;
}

/** A row of `models` as PostgreSQL gives it. */
export interface ModelRow {
  provider: string;
  model_id: string;
  display_name: string | null;
  status: ModelStatus;
  capabilities: unknown;
  input_modalities: string[];
  output_modalities: string[];
  context_window: number | null;
  max_output_tokens: number | null;
  input_usd_per_million_tokens: number | null;
  output_usd_per_million_tokens: number | null;
  cached_input_usd_per_million_tokens: number | null;
  cache_write_usd_per_million_tokens: number | null;
  price_details: unknown;
  simple_score: number;
  medium_score: number;
  complex_score: number;
  refiner: boolean;
  declared_performance: unknown;
  usage_count: string;
  success_count: string;
  time_to_first_token_ms_sum: number;
  time_to_first_token_count: string;
  completion_ms_sum: number;
  completion_count: string;
  quality_sum: number;
  quality_count: string;
  source: 'discovered' | 'manual';
  pinned_fields: string[];
  listed: boolean;
  updated_at: Date;
}

export const modelColumns = `provider, model_id, display_name, status, capabilities, input_modalities, output_modalities,
  context_window, max_output_tokens, input_usd_per_million_tokens, output_usd_per_million_tokens,
  cached_input_usd_per_million_tokens, cache_write_usd_per_million_tokens, price_details, simple_score, medium_score,
  complex_score, refiner, declared_performance, usage_count, success_count, time_to_first_token_ms_sum, time_to_first_token_count,
  completion_ms_sum, completion_count, quality_sum, quality_count, source, pinned_fields, listed, updated_at`;

const modalitiesSchema = z.array(modalitySchema);
const declaredSchema = performanceSchema.partial();
// Not strict: a later version may have written prices that this one does not know.
const storedPriceDetailsSchema = z.object(priceDetailsSchema.shape);

export function toStoredModel(row: ModelRow): StoredModel {
  const { performance, usage_count: _usage, updated_at: _updated, ...model } = toModel(row);
  const timeToFirstTokenCount = Number(row.time_to_first_token_count);
  return {
    model,
    source: row.source,
    listed: row.listed,
    pinnedFields: row.pinned_fields,
    declaredPerformance: declaredSchema.parse(row.declared_performance),
    measuredTimeToFirstTokenMs: timeToFirstTokenCount === 0 ? null : performance.avg_ttft_ms,
    timeToFirstTokenCount,
  };
}

/** Corrections leave a rounding error behind, and may be about calls that were counted before a model was made anew. */
function withinUnit(value: number | null): number | null {
  return value === null ? null : Math.min(1, Math.max(0, value));
}

export function toModel(row: ModelRow): Model {
  const declared = declaredSchema.parse(row.declared_performance);
  const mean = (sum: number, count: string) => (Number(count) === 0 ? null : sum / Number(count));
  return {
    model_id: row.model_id,
    provider: row.provider,
    display_name: row.display_name,
    status: row.status,
    capabilities: capabilitiesSchema.parse(row.capabilities),
    modalities: {
      input: modalitiesSchema.parse(row.input_modalities),
      output: modalitiesSchema.parse(row.output_modalities),
    },
    context_window: row.context_window,
    max_output_tokens: row.max_output_tokens,
    performance: {
      avg_ttft_ms: mean(row.time_to_first_token_ms_sum, row.time_to_first_token_count) ?? declared.avg_ttft_ms ?? null,
      avg_completion_ms: mean(row.completion_ms_sum, row.completion_count) ?? declared.avg_completion_ms ?? null,
      success_rate: withinUnit(mean(Number(row.success_count), row.usage_count)) ?? declared.success_rate ?? null,
      quality_score: withinUnit(mean(row.quality_sum, row.quality_count)) ?? declared.quality_score ?? null,
    },
    costs: {
      input_tokens_per_1k: perThousand(row.input_usd_per_million_tokens),
      output_tokens_per_1k: perThousand(row.output_usd_per_million_tokens),
      cached_input_tokens_per_1k: perThousand(row.cached_input_usd_per_million_tokens),
      cache_write_tokens_per_1k: perThousand(row.cache_write_usd_per_million_tokens),
      currency: 'USD',
      ...storedPriceDetailsSchema.parse(row.price_details),
    },
    complexity_scores: { simple: row.simple_score, medium: row.medium_score, complex: row.complex_score },
    refiner: row.refiner,
    usage_count: Number(row.usage_count),
    updated_at: row.updated_at.toISOString(),
  };
}

/** As `jsonb_to_recordset` reads it. */
export function toRecord(model: CatalogueModel): Record<string, unknown> {
  return {
    provider: model.provider,
    model_id: model.model_id,
    display_name: model.display_name,
    status: model.status,
    capabilities: model.capabilities,
    input_modalities: model.modalities.input,
    output_modalities: model.modalities.output,
    context_window: model.context_window,
    max_output_tokens: model.max_output_tokens,
    input_usd_per_million_tokens: perMillion(model.costs.input_tokens_per_1k),
    output_usd_per_million_tokens: perMillion(model.costs.output_tokens_per_1k),
    cached_input_usd_per_million_tokens: perMillion(model.costs.cached_input_tokens_per_1k),
    cache_write_usd_per_million_tokens: perMillion(model.costs.cache_write_tokens_per_1k),
    price_details: priceDetailsOf(model.costs),
    simple_score: model.complexity_scores.simple,
    medium_score: model.complexity_scores.medium,
    complex_score: model.complexity_scores.complex,
    refiner: model.refiner,
  };
}

/** The prices that have no column of their own. */
function priceDetailsOf(costs: Model['costs']): PriceDetails {
  const {
    input_tokens_per_1k: _input,
    output_tokens_per_1k: _output,
    cached_input_tokens_per_1k: _cached,
    cache_write_tokens_per_1k: _write,
    currency: _currency,
    ...details
  } = costs;
  return details;
}

// Rounded to 12 digits, so that a price keeps its value on the way there and back.
function perThousand(usdPerMillion: number | null): number | null {
  return usdPerMillion === null ? null : Number((usdPerMillion / 1000).toPrecision(12));
}

function perMillion(usdPerThousand: number | null): number | null {
  return usdPerThousand === null ? null : Number((usdPerThousand * 1000).toPrecision(12));
}
