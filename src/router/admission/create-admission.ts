import { keyScopeSchema, virtualKeyPrefix } from '../../contracts/keys.ts';
import type { Config } from '../../platform/config/load.ts';
import type { Clock } from '../../platform/core/clock.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import { derive, type Live } from '../../platform/core/live.ts';
import { composeServices, type HealthCheck, type Service } from '../../platform/core/service.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { createKeyDirectory } from '../../platform/security/key-directory.ts';
import { createMasterKeyCheck, presentedKey } from '../../platform/security/master-key.ts';
import { anybody, masterKeyHolder, toPrincipal } from '../../platform/security/principal.ts';
import type { ActiveKey } from '../../platform/store/virtual-keys.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import type { Admission, Caller, Reservation } from './admission.ts';
import { createLeaseService } from './lease-service.ts';

export interface AdmissionOptions {
  pool: Pool;
  /** Of the database that `pool` is for; notifications need a connection of their own. */
  connectionString: string;
  instanceId: string;
  config: Live<Pick<Config, 'limits' | 'master_key' | 'previous_master_keys' | 'upgrade'>>;
  clock: Clock;
  log: Logger;
  metrics: Metrics;
}

const nothing: Reservation = Object.freeze({ headers: Object.freeze({}), settle: () => undefined });

/** Virtual keys, their budgets and rate limits. */
export function createAdmission(options: AdmissionOptions): Admission & Service {
  const { pool, connectionString, instanceId, config, clock, log, metrics } = options;
  const keyCount = metrics.gauge('signalbox_virtual_keys');
  const directory = createKeyDirectory({
    pool,
    connectionString,
    scopes: keyScopeSchema.options,
    toHolder: toCaller,
    onLoaded: (keys) => keyCount.set(keys),
    log,
    metrics,
  });
  const leases = createLeaseService({ pool, instanceId, config: () => config().limits, clock, log, metrics });
  /** Whoever has the master key, and anybody where none is required. */
  const unlimited = derive(config, ({ master_key: masterKey, upgrade }): Caller =>
    Object.freeze({
      ...(masterKey === undefined ? anybody : masterKeyHolder),
      teamId: null,
      allowedModels: null,
      mayExplore: true,
      mayShadow: upgrade.shadow.without_key,
      costQualityTradeoff: null,
      hasBudget: false,
    }),
  );
  const isMaster = createMasterKeyCheck(config);
  const service = composeServices('admission', [directory, leases], log);

  return {
    ...service,
    authenticate(headers) {
      const presented = presentedKey(headers);
      const isVirtual = presented?.startsWith(virtualKeyPrefix) ?? false;
      // Where no key is required, what clients send because they must send something is not looked at.
      if (!isVirtual && isMaster(headers) !== false) return unlimited();
      if (presented !== undefined && isVirtual) {
        const caller = directory.find(presented, clock.nowMs());
        if (caller !== undefined) return caller;
        // A master key may look like a virtual one.
        if (isMaster(headers) === true) return unlimited();
      }
      throw new SignalboxError('unauthorized', 'a valid key is required: Authorization: Bearer KEY');
    },
    reserve(caller, need, signal) {
      if (caller.keyId === null) return nothing;
      const limits = directory.limitsOf(caller.keyId);
      return limits.length === 0 ? nothing : leases.reserve(limits, need, signal);
    },
    health(): HealthCheck {
      return directory.health?.() ?? { ok: true };
    },
  };
}

function toCaller(key: ActiveKey): Caller {
  return Object.freeze({
    ...toPrincipal(key),
    teamId: key.teamId,
    allowedModels: key.allowedModels,
    mayExplore: key.mayExplore,
    mayShadow: key.mayShadow,
    costQualityTradeoff: key.costQualityTradeoff,
    hasBudget: key.limits.some((limit) => limit.kind === 'budget'),
  });
}
