import { createKeyText } from '../../../src/platform/security/virtual-key.ts';
import type { NewKey, NewTeam } from '../../../src/contracts/keys.ts';
import { keysChannel } from '../../../src/contracts/keys.ts';
import { loadConfig } from '../../../src/platform/config/load.ts';
import { systemClock } from '../../../src/platform/core/clock.ts';
import { uuidv7 } from '../../../src/platform/core/ids.ts';
import type { Service } from '../../../src/platform/core/service.ts';
import { notify } from '../../../src/platform/postgres/notify.ts';
import type { Pool } from '../../../src/platform/postgres/pool.ts';
import { setLimits } from '../../../src/platform/store/limits.ts';
import { insertTeam } from '../../../src/platform/store/teams.ts';
import { insertKey } from '../../../src/platform/store/virtual-keys.ts';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import { createMetrics } from '../../../src/platform/telemetry/metrics.ts';
import type { Admission, Caller } from '../../../src/router/admission/admission.ts';
import { createAdmission } from '../../../src/router/admission/create-admission.ts';
import { registerInstance } from '../../../src/platform/store/instances.ts';

export const noSignal = new AbortController().signal;

/** A router's admission, as one of several on a database. Its first key lookup finds what was made before. */
export async function startAdmission(
  database: { pool: Pool; connectionString: string },
  limits: Record<string, number> = {},
): Promise<Admission & Service> {
  const instanceId = uuidv7();
  await registerInstance(database.pool, {
    instanceId,
    service: 'router',
    version: '0',
    queueName: null,
    address: null,
    startedAt: new Date(),
  });
  const config = loadConfig({ env: {}, cwd: '/', flags: { limits } });
  const admission = createAdmission({
    ...database,
    instanceId,
    config: () => config,
    clock: systemClock,
    log: silentLogger(),
    metrics: createMetrics(),
  });
  await admission.start();
  return admission;
}

export async function makeTeam(pool: Pool, limits: Omit<NewTeam, 'name'> = {}): Promise<string> {
  const teamId = uuidv7();
  await insertTeam(pool, teamId, `team ${teamId}`);
  await setLimits(pool, { scope: 'team', id: teamId }, limits);
  return teamId;
}

/** A key with its text, and nobody told of it but those who listen. */
export async function makeKey(
  pool: Pool,
  limits: Omit<NewKey, 'name' | 'team'> = {},
  teamId: string | null = null,
): Promise<{ keyId: string; key: string }> {
  const keyId = uuidv7();
  const { key, stored } = createKeyText();
  await insertKey(pool, {
    keyId,
    name: 'test',
    text: stored,
    teamId,
    allowedModels: limits.models ?? null,
    mayExplore: limits.may_explore ?? true,
    mayShadow: limits.may_shadow ?? false,
    costQualityTradeoff: limits.cost_quality_tradeoff ?? null,
    expiresAt: limits.expires_at ?? null,
  });
  await setLimits(pool, { scope: 'key', id: keyId }, limits);
  await notify(pool, keysChannel, '');
  return { keyId, key };
}

export const callerOf = (admission: Admission, key: string): Caller =>
  admission.authenticate({ authorization: `Bearer ${key}` });

export interface BudgetState {
  limit: number;
  spent: number;
  leased: number;
  forfeited: number;
  granted: number;
}

/** As it stands in the database, whatever the present time is. */
export async function budgetOf(pool: Pool, owner: string): Promise<BudgetState> {
  const { rows } = await pool.query<BudgetState>(
    `select limit_usd::float8 as limit, spent_usd::float8 as spent, leased_usd::float8 as leased,
       forfeited_usd::float8 as forfeited,
       (select coalesce(sum(granted_usd), 0) from budget_leases l where l.budget_id = b.budget_id)::float8 as granted
     from budgets b where key_id = $1 or team_id = $1`,
    [owner],
  );
  return rows[0] as BudgetState;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
