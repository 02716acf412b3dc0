import { z } from 'zod';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { listComplexityScores } from '../../platform/store/complexity-scores.ts';
import { listInstances } from '../../platform/store/instances.ts';

const instanceSchema = z.object({
  instance_id: z.string(),
  service: z.string(),
  version: z.string(),
  queue_name: z.string().nullable(),
  address: z.string().nullable(),
  applied_seq: z.int().describe('The newest score update that it has applied.'),
  up_to_date: z.boolean().describe('Whether that is the newest there is.'),
  config_version: z.int().nullable().describe('1 from its start, one more with each change of its configuration.'),
  config_hash: z.string().nullable().describe('Equal for instances with equal configuration files.'),
  started_at: z.iso.datetime(),
  last_seen_at: z.iso.datetime(),
});

export function registerInstances(app: ZodApp, pool: Pool): void {
  app.get(
    '/instances',
    {
      schema: {
        tags: ['instances'],
        summary: 'The processes that take part',
        response: { 200: z.object({ seq: z.int(), instances: z.array(instanceSchema) }) },
      },
    },
    async () => {
      const instances = await listInstances(pool);
      const { seq } = await listComplexityScores(pool);
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
        })),
      };
    },
  );
}
