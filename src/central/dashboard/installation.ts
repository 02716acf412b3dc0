import type { Installation } from '../../contracts/dashboard.ts';
import { version } from '../../platform/core/version.ts';
import type { Executor } from '../../platform/postgres/pool.ts';
import { listOfferedModels } from '../../platform/store/models.ts';
import { listProviderHealth } from '../../platform/store/provider-health.ts';
import { hasRecords } from '../../platform/store/record-pages.ts';

export async function readInstallation(db: Executor, routerUrl: string | null): Promise<Installation> {
  const providers = await listProviderHealth(db);
  return {
    version,
    router_url: routerUrl,
    is_simulated: providers.some(({ simulated }) => simulated),
    has_decisions: await hasRecords(db),
    models: (await listOfferedModels(db)).length,
    providers: providers.length,
  };
}
