import { z } from 'zod';
import { costQualityTradeoffSchema } from './decision.ts';

/** NOTIFY channel that wakes those who keep keys in memory. */
export const keysChannel = 'signalbox_keys';

/** How every virtual key begins. */
export const virtualKeyPrefix = 'sk-sb-';

/** Text that PostgreSQL can hold and a terminal can show. */
const name = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(/^\P{Cc}*$/u, 'must not contain control characters');

export const budgetPeriodSchema = z.enum(['total', 'day', 'week', 'month']);
export type BudgetPeriod = z.infer<typeof budgetPeriodSchema>;

export const newBudgetSchema = z.strictObject({
  limit_usd: z.number().min(0).max(100_000_000),
  period: budgetPeriodSchema.default('total').describe('After which it begins anew, in UTC; `total` never does.'),
});
export type NewBudget = z.infer<typeof newBudgetSchema>;

export const budgetSchema = z.object({
  limit_usd: z.number(),
  period: budgetPeriodSchema,
  spent_usd: z.number().describe('In this period.'),
  leased_usd: z.number().describe('Held by routers for requests under way and those that come next.'),
  remaining_usd: z.number(),
  forfeited_usd: z.number().describe('The part of spent_usd that routers held when they vanished.'),
  period_started_at: z.iso.datetime(),
  period_ends_at: z.iso.datetime().nullable(),
});
export type Budget = z.infer<typeof budgetSchema>;

const perMinute = z.int().min(1).max(1_000_000_000_000);

/** What may be limited, of a key and of a team alike. Null takes a limit away. */
const limitFields = {
  budget: newBudgetSchema.nullable().optional(),
  requests_per_minute: perMinute.nullable().optional(),
  tokens_per_minute: perMinute.nullable().optional().describe('Input and output together.'),
};

const keyFields = {
  team: name.nullable().optional().describe('Name or id of its team.'),
  models: z
    .array(name)
    .min(1)
    .max(1000)
    .nullable()
    .optional()
    .describe('Models that it may use, as `model` or `provider/model`; * stands for any text. Null: all.'),
  expires_at: z.iso.datetime({ offset: true }).nullable().optional(),
  may_explore: z
    .boolean()
    .optional()
    .describe('Whether `auto` may try out other models than the best now and then, to learn. True for a new key.'),
  may_shadow: z
    .boolean()
    .optional()
    .describe(
      'Whether requests of this key may be copied to a model that is tried before it replaces another. False for a new key.',
    ),
  cost_quality_tradeoff: costQualityTradeoffSchema
    .nullable()
    .optional()
    .describe(
      'From quality (0) to cost (1), for requests of the key that say nothing. Null: as the configuration says.',
    ),
  ...limitFields,
};

/** What a key opens: requests to models, all that the services show, or nearly all that the master key opens. */
export const keyScopeSchema = z.enum(['call', 'read', 'admin']);
export type KeyScope = z.infer<typeof keyScopeSchema>;

export const newKeySchema = z.strictObject({
  name,
  scope: keyScopeSchema
    .optional()
    .describe('What it opens, for good: `call` (the default) models, `read` what services show, `admin` all.'),
  ...keyFields,
});
export type NewKey = z.infer<typeof newKeySchema>;

export const keyPatchSchema = z.strictObject({ name: name.optional(), ...keyFields });
export type KeyPatch = z.infer<typeof keyPatchSchema>;

export const keySchema = z.object({
  key_id: z.uuid(),
  name: z.string(),
  prefix: z.string().describe('How the key begins; all of it was shown once.'),
  status: z.enum(['active', 'expired', 'revoked']),
  scope: keyScopeSchema,
  team: z.object({ team_id: z.uuid(), name: z.string() }).nullable(),
  models: z.array(z.string()).nullable(),
  may_explore: z.boolean(),
  may_shadow: z.boolean(),
  cost_quality_tradeoff: z.number().nullable(),
  budget: budgetSchema.nullable(),
  requests_per_minute: z.int().nullable(),
  tokens_per_minute: z.int().nullable(),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable(),
  revoked_at: z.iso.datetime().nullable(),
  last_used_at: z.iso.datetime().nullable().describe('To about ten seconds.'),
  previous_valid_until: z.iso
    .datetime()
    .nullable()
    .describe('Until when the text before the last rotation is good beside the present one; null: it is not.'),
});
export type Key = z.infer<typeof keySchema>;

const mostGraceSeconds = 30 * 86_400;

/** Body of a rotation; none at all is as an empty one. */
export const rotationSchema = z
  .strictObject({
    grace_seconds: z
      .int()
      .min(0)
      .max(mostGraceSeconds)
      .default(0)
      .describe('How long the old text stays good; one that is older still is refused at once.'),
  })
  .nullish();

export const keyWithSecretSchema = keySchema.extend({
  key: z.string().describe('Shown this once: only its hash is stored.'),
});
export type KeyWithSecret = z.infer<typeof keyWithSecretSchema>;

export const keyPageSchema = z.object({
  keys: z.array(keySchema),
  next: z.string().nullable().describe('Pass it as `before` for the next page; null on the last one.'),
});
export type KeyPage = z.infer<typeof keyPageSchema>;

export const newTeamSchema = z.strictObject({ name, ...limitFields });
export type NewTeam = z.infer<typeof newTeamSchema>;

export const teamPatchSchema = z.strictObject({ name: name.optional(), ...limitFields });
export type TeamPatch = z.infer<typeof teamPatchSchema>;

export const teamSchema = z.object({
  team_id: z.uuid(),
  name: z.string(),
  keys: z.int().describe('Its keys that are not revoked.'),
  budget: budgetSchema.nullable(),
  requests_per_minute: z.int().nullable(),
  tokens_per_minute: z.int().nullable(),
  created_at: z.iso.datetime(),
});
export type Team = z.infer<typeof teamSchema>;

export const teamListSchema = z.object({
  teams: z.array(teamSchema),
  has_more: z.boolean().describe('Whether there are more than `limit`, of which these are the first by name.'),
});
export type TeamList = z.infer<typeof teamListSchema>;
