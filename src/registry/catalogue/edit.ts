import { modelKey, type Model, type ModelPatch, type NewModel } from '../../contracts/index.ts';
import type { Author } from '../../contracts/audit.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { Live } from '../../platform/core/live.ts';
import { type Pool, type PoolClient, withTransaction } from '../../platform/postgres/pool.ts';
import type { Provider } from '../../platform/providers/definitions.ts';
import { appendAudit } from '../../platform/store/audit-log.ts';
import type { CatalogueModel, StoredModel } from '../../platform/store/model-row.ts';
import {
  deleteModel,
  findModel,
  findStoredModel,
  insertManualModel,
  lockCatalogue,
  notifyCatalogue,
  updateModel,
} from '../../platform/store/models.ts';
import { buildModels } from './build-models.ts';
import { unmeasured } from './derive.ts';
import { applyPatch, completePatch, pathsOf } from './operator-fields.ts';

export interface Edit {
  /** Throws `conflict` when there is such a model. */
  create(body: NewModel, author: Author): Promise<Model>;
  /** Throws `model_not_found`. */
  patch(id: string, body: ModelPatch, author: Author): Promise<Model>;
  /** Deletes what an operator made, and disables for good what a provider lists. Throws `model_not_found`. */
  remove(id: string, author: Author): Promise<void>;
}

export function modelNotFound(id: string): SignalboxError {
  return new SignalboxError('model_not_found', `no model ${id} in the catalogue`, { param: 'id' });
}

/** What operators do to the catalogue: each a transaction of its own, one at a time with the refresh. */
export function createEdit(options: { pool: Pool; providers: Live<readonly Provider[]> }): Edit {
  const { pool, providers } = options;

  function change<T>(write: (db: PoolClient) => Promise<T>): Promise<T> {
    return withTransaction(pool, async (db) => {
      await lockCatalogue(db);
      const result = await write(db);
      await notifyCatalogue(db);
      return result;
    });
  }

  async function findOrThrow(db: PoolClient, id: string): Promise<StoredModel> {
    const stored = await findStoredModel(db, id);
    if (stored === undefined) throw modelNotFound(id);
    return stored;
  }

  async function readBack(db: PoolClient, model: CatalogueModel): Promise<Model> {
    const written = await findModel(db, modelKey(model));
    if (written === undefined) throw modelNotFound(modelKey(model));
    return written;
  }

  async function applyToStored(db: PoolClient, stored: StoredModel, body: ModelPatch): Promise<CatalogueModel> {
    const patch = completePatch(stored.model, body);
    const pinnedFields = [...new Set([...stored.pinnedFields, ...pathsOf(patch)])].sort();
    const measured = { timeToFirstTokenMs: stored.measuredTimeToFirstTokenMs, count: stored.timeToFirstTokenCount };
    const model = applyPatch(stored.model, patch, new Set(pinnedFields), measured);
    await updateModel(db, model, {
      pinnedFields,
      declaredPerformance: { ...stored.declaredPerformance, ...body.performance },
    });
    return model;
  }

  return {
    create({ model_id: modelId, provider: providerName, ...body }, author) {
      const source = providers().find((provider) => provider.name === providerName) ?? {
        name: providerName,
        kind: 'openai-compatible' as const,
        priceListId: null,
      };
      const listed = { id: modelId, displayName: null, contextWindow: null, maxOutputTokens: null };
      return change(async (db) => {
        const [base] = buildModels(source, [listed], new Date());
        if (base === undefined) throw new Error('one listed model makes one entry');
        const patch = completePatch(base, body);
        const pinnedFields = pathsOf(patch).sort();
        const model = applyPatch(base, patch, new Set(pinnedFields), unmeasured);
        const set = { pinnedFields, declaredPerformance: body.performance ?? {} };
        if (!(await insertManualModel(db, model, set))) {
          const message = `the catalogue has ${modelKey(model)} already; change it with PATCH /models/{id}`;
          throw new SignalboxError('conflict', message, { param: 'model_id' });
        }
        await audit(db, 'model.create', author, null, model);
        return readBack(db, model);
      });
    },
    async patch(id, body, author) {
      if (setsNothing(body)) {
        const model = await findModel(pool, id);
        if (model === undefined) throw modelNotFound(id);
        return model;
      }
      return change(async (db) => {
        const stored = await findOrThrow(db, id);
        const after = await applyToStored(db, stored, body);
        await audit(db, 'model.update', author, stored.model, after);
        return readBack(db, after);
      });
    },
    remove: (id, author) =>
      change(async (db) => {
        const stored = await findOrThrow(db, id);
        if (stored.source === 'manual') {
          await deleteModel(db, stored.model.provider, stored.model.model_id);
          await audit(db, 'model.delete', author, stored.model, null);
        } else {
          const after = await applyToStored(db, stored, { status: 'disabled' });
          await audit(db, 'model.delete', author, stored.model, after);
        }
      }),
  };
}

function setsNothing(body: ModelPatch): boolean {
  return pathsOf(body).length === 0 && Object.keys(body.performance ?? {}).length === 0;
}

async function audit(
  db: PoolClient,
  action: string,
  author: Author,
  before: CatalogueModel | null,
  after: CatalogueModel | null,
): Promise<void> {
  const named = before ?? after;
  const object = named === null ? '' : modelKey(named);
  await appendAudit(db, { service: 'registry', author, action, object, before, after });
}
