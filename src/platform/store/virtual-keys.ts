import type { Key, KeyScope } from '../../contracts/keys.ts';
import type { Executor } from '../postgres/pool.ts';
import { limitColumns, limitJoins, type LimitOwner, type LimitsRow, toLimits } from './limits.ts';

interface KeyRow extends LimitsRow {
  key_id: string;
  name: string;
  key_prefix: string;
  status: Key['status'];
  scope: KeyScope;
  team_id: string | null;
  team_name: string | null;
  allowed_models: string[] | null;
  may_explore: boolean;
  may_shadow: boolean;
  cost_quality_tradeoff: number | null;
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
  last_used_at: Date | null;
  previous_valid_until: Date | null;
}

const select = `select k.key_id, k.name, k.key_prefix, k.scope, k.team_id, t.name as team_name, k.allowed_models, k.may_explore, k.may_shadow,
    k.cost_quality_tradeoff,
    k.created_at, k.expires_at, k.revoked_at, k.last_used_at,
    case when k.revoked_at is null and k.previous_valid_until > now() then k.previous_valid_until end as previous_valid_until,
    case when k.revoked_at is not null then 'revoked' when k.expires_at <= now() then 'expired' else 'active' end as status,
    ${limitColumns}
  from virtual_keys k left join teams t using (team_id) ${limitJoins('key', 'k')}`;

function toKey(row: KeyRow): Key {
  return {
    key_id: row.key_id,
    name: row.name,
    prefix: row.key_prefix,
    status: row.status,
    scope: row.scope,
    team: row.team_id === null || row.team_name === null ? null : { team_id: row.team_id, name: row.team_name },
    models: row.allowed_models,
    may_explore: row.may_explore,
    may_shadow: row.may_shadow,
    cost_quality_tradeoff: row.cost_quality_tradeoff,
    ...toLimits(row),
    created_at: row.created_at.toISOString(),
    expires_at: row.expires_at?.toISOString() ?? null,
    revoked_at: row.revoked_at?.toISOString() ?? null,
    last_used_at: row.last_used_at?.toISOString() ?? null,
    previous_valid_until: row.previous_valid_until?.toISOString() ?? null,
  };
}

/** The newest first, as their ids tell; at most `limit`. `teamId` undefined: of all. `before`: only smaller ids. */
export async function listKeys(
  db: Executor,
  filter: { teamId?: string | undefined; withRevoked: boolean; before?: string | undefined },
  limit: number,
): Promise<Key[]> {
  const { rows } = await db.query<KeyRow>(
    `${select} where ($1::uuid is null or k.team_id = $1) and ($2 or k.revoked_at is null)
       and ($3::uuid is null or k.key_id < $3)
     order by k.key_id desc limit $4`,
    [filter.teamId ?? null, filter.withRevoked, filter.before ?? null, limit],
  );
  return rows.map(toKey);
}

/** Holds a key against other changes until the transaction ends. */
export async function lockKey(db: Executor, keyId: string): Promise<void> {
  await db.query('select from virtual_keys where key_id = $1 for no key update', [keyId]);
}

export async function findKey(db: Executor, keyId: string): Promise<Key | undefined> {
  const { rows } = await db.query<KeyRow>(`${select} where k.key_id = $1`, [keyId]);
  return rows[0] === undefined ? undefined : toKey(rows[0]);
}

/** A key's text, as far as it is stored. */
export interface KeyText {
  hash: Buffer;
  prefix: string;
}

export interface NewKeyRow {
  keyId: string;
  name: string;
  /** Default: `call`. */
  scope?: KeyScope | undefined;
  text: KeyText;
  teamId: string | null;
  allowedModels: readonly string[] | null;
  mayExplore: boolean;
  mayShadow: boolean;
  costQualityTradeoff: number | null;
  expiresAt: string | null;
}

export async function insertKey(db: Executor, key: NewKeyRow): Promise<void> {
  await db.query(
    `insert into virtual_keys (key_id, name, key_hash, key_prefix, team_id, allowed_models, may_explore, may_shadow,
       expires_at, cost_quality_tradeoff, scope)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      key.keyId,
      key.name,
      key.text.hash,
      key.text.prefix,
      key.teamId,
      key.allowedModels,
      key.mayExplore,
      key.mayShadow,
      key.expiresAt,
      key.costQualityTradeoff,
      key.scope ?? 'call',
    ],
  );
}

/** What is undefined stays. False when there is no such key. */
export async function updateKey(
  db: Executor,
  keyId: string,
  changes: {
    name?: string | undefined;
    teamId?: string | null | undefined;
    allowedModels?: readonly string[] | null | undefined;
    mayExplore?: boolean | undefined;
    mayShadow?: boolean | undefined;
    costQualityTradeoff?: number | null | undefined;
    expiresAt?: string | null | undefined;
  },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update virtual_keys set
       name = coalesce($2, name),
       team_id = case when $3 then $4::uuid else team_id end,
       allowed_models = case when $5 then $6::text[] else allowed_models end,
       expires_at = case when $7 then $8::timestamptz else expires_at end,
       may_explore = coalesce($9, may_explore),
       may_shadow = coalesce($10, may_shadow),
       cost_quality_tradeoff = case when $11 then $12::float8 else cost_quality_tradeoff end
     where key_id = $1`,
    [
      keyId,
      changes.name ?? null,
      changes.teamId !== undefined,
      changes.teamId ?? null,
      changes.allowedModels !== undefined,
      changes.allowedModels ?? null,
      changes.expiresAt !== undefined,
      changes.expiresAt ?? null,
      changes.mayExplore ?? null,
      changes.mayShadow ?? null,
      changes.costQualityTradeoff !== undefined,
      changes.costQualityTradeoff ?? null,
    ],
  );
  return rowCount === 1;
}

/**
 * Gives a key a new text. The old one stays good for `graceSeconds`, and not at all for 0; one that is older still is good
 * no more. False when there is no such key, or it was revoked.
 */
export async function replaceKeyText(
  db: Executor,
  keyId: string,
  text: KeyText,
  graceSeconds: number,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update virtual_keys set key_hash = $2, key_prefix = $3,
       previous_key_hash = case when $4::integer > 0 then key_hash end,
       previous_valid_until = case when $4::integer > 0 then now() + make_interval(secs => $4::integer) end
     where key_id = $1 and revoked_at is null`,
    [keyId, text.hash, text.prefix, graceSeconds],
  );
  return rowCount === 1;
}

/** For ever; its history stays. A key that was revoked before stays as it is. False when there is no such key. */
export async function revokeKey(db: Executor, keyId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'update virtual_keys set revoked_at = coalesce(revoked_at, now()) where key_id = $1',
    [keyId],
  );
  return rowCount === 1;
}

/** Notes that these keys were used just now. */
export async function touchKeys(db: Executor, keyIds: readonly string[]): Promise<void> {
  await db.query(
    `with used as (select key_id from virtual_keys where key_id = any($1::uuid[]) order by key_id for no key update)
     update virtual_keys k set last_used_at = now() from used where k.key_id = used.key_id`,
    [keyIds],
  );
}

/** A limit that holds a key, its own or its team's. */
export interface LimitRef {
  id: string;
  kind: 'budget' | 'requests' | 'tokens';
  scope: LimitOwner['scope'];
}

/** What a service needs to know of a key that may be used. */
export interface ActiveKey {
  keyId: string;
  name: string;
  scope: KeyScope;
  /** SHA-256 of the key in base64. */
  hash: string;
  /** The same of the text before the last rotation, while that is still good, and until when. */
  previousHash: string | null;
  previousValidUntil: Date | null;
  teamId: string | null;
  allowedModels: string[] | null;
  mayExplore: boolean;
  /** Whether its requests may be copied to a model that is tried. */
  mayShadow: boolean;
  /** In [0, 1]; null: as the configuration says. */
  costQualityTradeoff: number | null;
  expiresAt: Date | null;
  limits: LimitRef[];
}

/** Keys of these scopes that are neither revoked nor expired; the newest, at most `limit`. */
export async function listActiveKeys(db: Executor, scopes: readonly KeyScope[], limit: number): Promise<ActiveKey[]> {
  const { rows } = await db.query<ActiveKey>(
    `select k.key_id as "keyId", k.name, k.scope, encode(k.key_hash, 'base64') as hash,
       case when k.previous_valid_until > now() then encode(k.previous_key_hash, 'base64') end as "previousHash",
       k.previous_valid_until as "previousValidUntil", k.team_id as "teamId",
       k.allowed_models as "allowedModels", k.may_explore as "mayExplore", k.may_shadow as "mayShadow",
       k.cost_quality_tradeoff as "costQualityTradeoff", k.expires_at as "expiresAt", coalesce(held.limits, '[]') as limits
     from virtual_keys k
     left join lateral (
       select jsonb_agg(jsonb_build_object('id', id, 'kind', kind, 'scope', scope) order by kind desc, scope) as limits
       from (
         select rate_limit_id as id, kind, case when r.key_id is null then 'team' else 'key' end as scope
         from rate_limits r where r.key_id = k.key_id or r.team_id = k.team_id
         union all
         select budget_id, 'budget', case when b.key_id is null then 'team' else 'key' end
         from budgets b where b.key_id = k.key_id or b.team_id = k.team_id
       ) of_key
     ) held on true
     where k.revoked_at is null and (k.expires_at is null or k.expires_at > now()) and k.scope = any($2::text[])
     order by k.created_at desc, k.key_id desc limit $1`,
    [limit, scopes],
  );
  return rows;
}
