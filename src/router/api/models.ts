import { z } from 'zod';
import { raceStrategySchema } from '../../contracts/race.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { Live } from '../../platform/core/live.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Caller } from '../admission/admission.ts';
import { matchesPattern } from '../select/pattern.ts';
import type { Policy } from '../select/policy.ts';
import { autoVariants } from '../select/requested-model.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';

const entrySchema = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
});
type Entry = z.infer<typeof entrySchema>;

/**
 * OpenAI's model list: `auto` and its variants, races of the router's choice, aliases, then every model that the
 * caller's key may use, by its own name and by `provider/name`.
 */
export function registerModels(app: ZodApp, currentSnapshot: () => Snapshot, aliases: Live<Policy['aliases']>): void {
  app.get(
    '/v1/models',
    {
      schema: {
        tags: ['openai'],
        summary: 'Models that can be asked for',
        response: { 200: z.object({ object: z.literal('list'), data: z.array(entrySchema) }) },
      },
    },
    async ({ caller }) => ({
      object: 'list' as const,
      data: listEntries(currentSnapshot(), aliases(), caller.allowedModels),
    }),
  );

  app.get(
    '/v1/models/:id',
    {
      schema: {
        tags: ['openai'],
        summary: 'One model',
        params: z.object({ id: z.string().min(1).max(200) }),
        response: { 200: entrySchema },
      },
    },
    async ({ params, caller }) => {
      const entry = listEntries(currentSnapshot(), aliases(), caller.allowedModels).find(
        (candidate) => candidate.id === params.id,
      );
      if (entry === undefined) {
        throw new SignalboxError('model_not_found', `the model ${params.id} does not exist here`, { param: 'model' });
      }
      return entry;
    },
  );
}

function listEntries(snapshot: Snapshot, aliases: Policy['aliases'], allowedModels: Caller['allowedModels']): Entry[] {
  const isAllowed = (name: string): boolean =>
    allowedModels === null || allowedModels.some((pattern) => matchesPattern(pattern, name));
  const make = (id: string, owner: string, created: number): Entry => ({
    id,
    object: 'model',
    created,
    owned_by: owner,
  });
  const automatic = [
    'auto',
    ...autoVariants.map((variant) => `auto:${variant}`),
    ...raceStrategySchema.options.map((strategy) => `race:${strategy}`),
  ];
  const byName = new Map<string, Entry>();
  for (const id of automatic) byName.set(id, make(id, 'signalbox', 0));
  for (const [alias, models] of Object.entries(aliases)) {
    if ([alias, ...models].some(isAllowed)) byName.set(alias, make(alias, 'signalbox', 0));
  }
  for (const { key, model } of snapshot.models) {
    if (model.status === 'disabled' || !(isAllowed(model.model_id) || isAllowed(key))) continue;
    const created = Math.floor(Date.parse(model.updated_at) / 1000);
    if (!byName.has(model.model_id)) byName.set(model.model_id, make(model.model_id, model.provider, created));
    byName.set(key, make(key, model.provider, created));
  }
  return [...byName.values()];
}
