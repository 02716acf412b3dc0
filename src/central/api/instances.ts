import { instancesSchema } from '../../contracts/instances-api.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { findLatestSeq } from '../../platform/store/complexity-scores.ts';
import { listInstances } from '../../platform/store/instances.ts';

export function registerInstances(app: ZodApp, pool: Pool): void {
  app.get(
    '/instances',
    {
      schema: {
        tags: ['instances'],
        summary: 'The processes that take part',
        response: { 200: instancesSchema },
      },
    },
    async () => {
      const instances = await listInstances(pool);
      const seq = await findLatestSeq(pool);
      return {
        seq,
        instances: instances.map((instance) => ({
          instance_id: instance.instanceId,
          service: instance.service,
          version: instance.version,
          queue_name: instance.queueName,
          address: instance.address,
          applied_seq: instance.appliedSeq,
          up_to_date: instance.appliedSeq >= seq,
          config_version: instance.configVersion,
          config_hash: instance.configHash,
          started_at: instance.startedAt.toISOString(),
          last_seen_at: instance.lastSeenAt.toISOString(),
          is_live: instance.isLive,
        })),
      };
    },
  );
}
