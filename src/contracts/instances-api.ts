import { z } from 'zod';

const instanceSchema = z.object({
  instance_id: z.string(),
  service: z.string(),
  version: z.string(),
  queue_name: z.string().nullable(),
  address: z.string().nullable(),
  applied_seq: z.int().describe('The newest score update that it has applied.'),
  up_to_date: z.boolean().describe('Whether that is the newest there is.'),
  started_at: z.iso.datetime(),
  last_seen_at: z.iso.datetime(),
  config_version: z.int().nullable().describe('1 from its start, one more with each change of its configuration.'),
  config_hash: z.string().nullable().describe('Equal for instances with equal configuration files.'),
  is_live: z.boolean().describe('Whether it was heard of within the last minute.'),
});

/** Answer of `GET /instances`. */
export const instancesSchema = z.object({
  seq: z.int().describe('Number of the newest score update.'),
  instances: z.array(instanceSchema),
});
export type Instances = z.infer<typeof instancesSchema>;
