import { z } from 'zod';

/** The error body of every route in OpenAI's shape. */
export const errorBodySchema = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
});
export type ErrorBody = z.infer<typeof errorBodySchema>;

export const serviceNameSchema = z.enum(['registry', 'router', 'upgrade', 'central']);
export type ServiceName = z.infer<typeof serviceNameSchema>;

export const healthSchema = z.object({
  status: z.enum(['ok', 'degraded', 'stopping']),
  service: z.string(),
  version: z.string(),
  instance_id: z.string(),
  uptime_seconds: z.number(),
  config_version: z.int().describe('1 from the start, one more with each change of the configuration.'),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string().optional() })),
});
export type Health = z.infer<typeof healthSchema>;
