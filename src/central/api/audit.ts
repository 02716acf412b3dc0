import { z } from 'zod';
import { errorBodySchema } from '../../contracts/api.ts';
import { auditPageSchema } from '../../contracts/audit.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { listAudit } from '../../platform/store/audit-log.ts';

const text = z
  .string()
  .min(1)
  .max(300)
  .regex(/^[^\0]*$/, 'must not contain NUL')
  .optional();
const time = z.iso.datetime({ offset: true }).optional();

const querySchema = z.strictObject({
  action: text.describe('Such as `key.create`; `key` for all of keys.'),
  object: text.describe('An id or a name, whole.'),
  since: time,
  until: time,
  before: z
    .string()
    .regex(/^\d{1,18}$/, 'must be the number of an entry')
    .optional()
    .describe('The `next` of the page before.'),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

/** `GET /audit`: what administrators have done, on all services. */
export function registerAudit(app: ZodApp, pool: Pool): void {
  app.get(
    '/audit',
    {
      schema: {
        tags: ['audit'],
        summary: 'What administrators have done, the newest first',
        querystring: querySchema,
        response: { 200: auditPageSchema, 400: errorBodySchema },
      },
    },
    async ({ query: { limit, ...filter } }) => {
      const entries = await listAudit(pool, filter, limit);
      return { entries, next: entries.length < limit ? null : (entries.at(-1)?.seq ?? null) };
    },
  );
}
