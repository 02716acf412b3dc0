import type { Key, Team } from '../../contracts/keys.ts';

type Limits = Pick<Team, 'budget' | 'requests_per_minute' | 'tokens_per_minute'>;

/** What operators set of a key, for the audit log: neither its text nor what routers make of it. */
export function keyForAudit(key: Key) {
  return {
    name: key.name,
    prefix: key.prefix,
    scope: key.scope,
    team: key.team?.name ?? null,
    models: key.models,
    may_explore: key.may_explore,
    may_shadow: key.may_shadow,
    cost_quality_tradeoff: key.cost_quality_tradeoff,
    expires_at: key.expires_at,
    previous_valid_until: key.previous_valid_until,
    revoked_at: key.revoked_at,
    ...limitsForAudit(key),
  };
}

export function teamForAudit(team: Team) {
  return { name: team.name, ...limitsForAudit(team) };
}

function limitsForAudit({ budget, requests_per_minute, tokens_per_minute }: Limits) {
  return {
    budget: budget === null ? null : { limit_usd: budget.limit_usd, period: budget.period },
    requests_per_minute,
    tokens_per_minute,
  };
}
