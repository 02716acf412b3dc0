import {
  type Capability,
  catalogueChannel,
  type Model,
  type ModelStatus,
  type Performance,
} from '../../contracts/index.ts';
import type { PerComplexity } from '../../contracts/query-class.ts';
import type { Executor } from '../postgres/pool.ts';
import {
  type CatalogueModel,
  modelColumns as columns,
  type ModelRow,
  type StoredModel,
  toModel,
  toRecord,
  toStoredModel,
} from './model-row.ts';

export interface ModelFilter {
  provider?: string | undefined;
  capability?: Capability | undefined;
  status?: ModelStatus | undefined;
  listed?: boolean | undefined;
  refiner?: boolean | undefined;
}

/** Models of the catalogue, ordered by provider and id. */
export async function listModels(db: Executor, filter: ModelFilter = {}): Promise<Model[]> {
  const { provider, capability, status, listed, refiner } = filter;
  const { rows } = await db.query<ModelRow>(
    `select ${columns} from models
     where ($1::text is null or provider = $1)
       and ($2::text is null or (capabilities ->> $2)::boolean)
       and ($3::text is null or status = $3)
       and ($4::boolean is null or listed = $4)
       and ($5::boolean is null or refiner = $5)
     order by provider, model_id`,
    [provider ?? null, capability ?? null, status ?? null, listed ?? null, refiner ?? null],
  );
  return rows.map(toModel);
}

/**
 * Every model that its provider offers, whatever its status, ordered by provider and id. A model whose provider this
 * process has not configured may be among them: whoever calls models leaves it out.
 */
export function listOfferedModels(db: Executor): Promise<Model[]> {
  return listModels(db, { listed: true });
}

/** `id` is `provider/model_id`, or a `model_id` alone: then the first provider by name, those that offer it before others. */
export async function findModel(db: Executor, id: string): Promise<Model | undefined> {
  const row = await findRow(db, id);
  return row === undefined ? undefined : toModel(row);
}

/** As `findModel`, with what a writer needs. */
export async function findStoredModel(db: Executor, id: string): Promise<StoredModel | undefined> {
  const row = await findRow(db, id);
  return row === undefined ? undefined : toStoredModel(row);
}

async function findRow(db: Executor, id: string): Promise<ModelRow | undefined> {
  const slash = id.indexOf('/');
  const { rows } = await db.query<ModelRow>(
    `select ${columns} from models
     where model_id = $1 or (provider = $2 and model_id = $3)
     order by (provider = $2 and model_id = $3) desc, listed desc, provider
     limit 1`,
    [id, slash < 0 ? '' : id.slice(0, slash), slash < 0 ? '' : id.slice(slash + 1)],
  );
  return rows[0];
}

/** All rows of these providers. */
export async function listStoredModels(db: Executor, providers: readonly string[]): Promise<StoredModel[]> {
  const { rows } = await db.query<ModelRow>(
    `select ${columns} from models where provider = any($1::text[]) order by provider, model_id`,
    [providers],
  );
  return rows.map(toStoredModel);
}

/** Lets one writer at a time change what the catalogue says, until the transaction ends. Measuring needs no lock. */
export async function lockCatalogue(db: Executor): Promise<void> {
  await db.query("select pg_advisory_xact_lock(hashtextextended('signalbox:catalogue', 0))");
}

/** Wakes the readers of the catalogue when the transaction commits. */
export async function notifyCatalogue(db: Executor): Promise<void> {
  await db.query('select pg_notify($1, $2)', [catalogueChannel, '']);
}

// A record set instead of arrays side by side: `unnest` would flatten the lists of modalities.
const recordSet = `jsonb_to_recordset($1::jsonb) as r (
  provider text, model_id text, display_name text, status text, capabilities jsonb,
  input_modalities text[], output_modalities text[], context_window integer, max_output_tokens integer,
  input_usd_per_million_tokens double precision, output_usd_per_million_tokens double precision,
  cached_input_usd_per_million_tokens double precision, cache_write_usd_per_million_tokens double precision,
  price_details jsonb, simple_score double precision, medium_score double precision, complex_score double precision, refiner boolean)`;

const catalogueColumns = [
  'display_name',
  'status',
  'capabilities',
  'input_modalities',
  'output_modalities',
  'context_window',
  'max_output_tokens',
  'input_usd_per_million_tokens',
  'output_usd_per_million_tokens',
  'cached_input_usd_per_million_tokens',
  'cache_write_usd_per_million_tokens',
  'price_details',
  'simple_score',
  'medium_score',
  'complex_score',
  'refiner',
];
const columnList = catalogueColumns.join(', ');

/** Inserts or updates listed models, in the order of their keys. Answers how many rows that changed. */
export async function upsertDiscoveredModels(db: Executor, models: readonly CatalogueModel[]): Promise<number> {
  if (models.length === 0) return 0;
  const { rowCount } = await db.query(
    `insert into models (provider, model_id, ${columnList}, source)
     select provider, model_id, ${columnList}, 'discovered' from ${recordSet}
     order by provider, model_id
     on conflict (provider, model_id) do update set
       ${catalogueColumns.map((column) => `${column} = excluded.${column}`).join(', ')}, listed = true, updated_at = now()
     where not models.listed
       or (${catalogueColumns.map((column) => `models.${column}`).join(', ')})
          is distinct from (${catalogueColumns.map((column) => `excluded.${column}`).join(', ')})`,
    [JSON.stringify(models.map(toRecord))],
  );
  return rowCount ?? 0;
}

export interface OperatorFields {
  pinnedFields: readonly string[];
  declaredPerformance: Partial<Performance>;
}

/** False when there is such a model already. */
export async function insertManualModel(db: Executor, model: CatalogueModel, set: OperatorFields): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into models (provider, model_id, ${columnList}, source, pinned_fields, declared_performance)
     select provider, model_id, ${columnList}, 'manual', $2::text[], $3::jsonb from ${recordSet}
     on conflict (provider, model_id) do nothing`,
    [JSON.stringify([toRecord(model)]), set.pinnedFields, JSON.stringify(set.declaredPerformance)],
  );
  return rowCount === 1;
}

/** Replaces what the catalogue says of an existing model and what is pinned of it. */
export async function updateModel(db: Executor, model: CatalogueModel, set: OperatorFields): Promise<void> {
  await db.query(
    `update models set
       ${catalogueColumns.map((column) => `${column} = r.${column}`).join(', ')},
       pinned_fields = $2::text[], declared_performance = $3::jsonb, updated_at = now()
     from ${recordSet}
     where models.provider = r.provider and models.model_id = r.model_id`,
    [JSON.stringify([toRecord(model)]), set.pinnedFields, JSON.stringify(set.declaredPerformance)],
  );
}

export async function deleteModel(db: Executor, provider: string, modelId: string): Promise<void> {
  await db.query('delete from models where provider = $1 and model_id = $2', [provider, modelId]);
}

/** Marks discovered models that their provider no longer lists. Answers how many. */
export async function markUnlisted(db: Executor, models: readonly CatalogueModel[]): Promise<number> {
  if (models.length === 0) return 0;
  const { rowCount } = await db.query(
    `update models set listed = false, updated_at = now()
     from unnest($1::text[], $2::text[]) as gone (provider, model_id)
     where models.provider = gone.provider and models.model_id = gone.model_id
       and models.listed and models.source = 'discovered'`,
    [models.map((model) => model.provider), models.map((model) => model.model_id)],
  );
  return rowCount ?? 0;
}

/** Marks discovered models of all providers but these. Answers how many. */
export async function markUnlistedExcept(db: Executor, providers: readonly string[]): Promise<number> {
  const { rowCount } = await db.query(
    `update models set listed = false, updated_at = now()
     where listed and source = 'discovered' and provider <> all($1::text[])`,
    [providers],
  );
  return rowCount ?? 0;
}

export interface ModelCount {
  provider: string;
  status: ModelStatus;
  count: number;
  /** Of these, how many answer requests but have a price that is not known. */
  unknownPriceCount: number;
}

/** Offered models by provider and status. */
export async function countModels(db: Executor): Promise<ModelCount[]> {
  const { rows } = await db.query<{ provider: string; status: ModelStatus; count: number; unknown: number }>(
    `select provider, status, count(*)::integer as count,
       (count(*) filter (where
         ((capabilities ->> 'text_generation')::boolean
           and (input_usd_per_million_tokens is null or output_usd_per_million_tokens is null))
         or ((capabilities ->> 'embeddings')::boolean and input_usd_per_million_tokens is null)))::integer as unknown
     from models where listed group by provider, status order by provider, status`,
  );
  return rows.map((row) => ({
    provider: row.provider,
    status: row.status,
    count: row.count,
    unknownPriceCount: row.unknown,
  }));
}

/** When the first of the present rows was made. Undefined while the catalogue is empty. */
export async function findCatalogueStart(db: Executor): Promise<Date | undefined> {
  const { rows } = await db.query<{ started_at: Date | null }>('select min(created_at) as started_at from models');
  return rows[0]?.started_at ?? undefined;
}

export interface KnownModel {
  provider: string;
  modelId: string;
  listed: boolean;
  source: 'discovered' | 'manual';
  textGeneration: boolean;
  createdAt: Date;
}

/** What the catalogue knows of these providers' models, and since when. */
export async function listKnownModels(db: Executor, providers: readonly string[]): Promise<KnownModel[]> {
  const { rows } = await db.query<{
    provider: string;
    model_id: string;
    listed: boolean;
    source: 'discovered' | 'manual';
    text_generation: boolean;
    created_at: Date;
  }>(
    `select provider, model_id, listed, source, (capabilities ->> 'text_generation')::boolean as text_generation, created_at
     from models where provider = any($1::text[]) order by provider, model_id`,
    [providers],
  );
  return rows.map((row) => ({
    provider: row.provider,
    modelId: row.model_id,
    listed: row.listed,
    source: row.source,
    textGeneration: row.text_generation,
    createdAt: row.created_at,
  }));
}

/** What the catalogue says of models, by `model_id`; the best word where several providers offer one. */
export async function listCatalogueScores(
  db: Executor,
  modelIds: readonly string[],
): Promise<Map<string, PerComplexity<number>>> {
  const { rows } = await db.query<{ model_id: string } & PerComplexity<number>>(
    `select model_id, max(simple_score) as simple, max(medium_score) as medium, max(complex_score) as complex
     from models where model_id = any($1::text[]) group by model_id`,
    [modelIds],
  );
  return new Map(rows.map(({ model_id, simple, medium, complex }) => [model_id, { simple, medium, complex }]));
}
