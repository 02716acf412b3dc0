import { z } from 'zod';
import { errorBodySchema } from '../../contracts/index.ts';
import type { Author } from '../../contracts/audit.ts';
import { closeIncidentSchema, incidentSchema } from '../../contracts/upgrade-api.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import { authorOf } from '../../platform/http/author.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import { type Pool, withTransaction } from '../../platform/postgres/pool.ts';
import { appendAudit } from '../../platform/store/audit-log.ts';
import {
  closeIncident,
  findIncident,
  type Incident,
  listIncidents,
  toIncidentBody,
} from '../../platform/store/incidents.ts';

const tags = ['incidents'];

/** The routes of incidents: they are opened by what the fleet learns, and closed by people alone. */
export function registerIncidents(app: ZodApp, pool: Pool): void {
  app.get(
    '/incidents',
    {
      schema: {
        tags,
        summary: 'Models in use that changed without a word, open ones first',
        querystring: z.object({
          open: z.enum(['true', 'false']).optional(),
          limit: z.coerce.number().int().min(1).max(1000).default(100),
        }),
        response: { 200: z.object({ incidents: z.array(incidentSchema), count: z.int() }), 400: errorBodySchema },
      },
    },
    async ({ query: { open, limit } }) => {
      const incidents = await listIncidents(pool, { open: open === undefined ? undefined : open === 'true', limit });
      return { incidents: incidents.map(toIncidentBody), count: incidents.length };
    },
  );
  app.post(
    '/incidents/:id/close',
    {
      schema: {
        tags,
        summary: 'Close an incident, with a reason',
        params: z.object({ id: z.uuid() }),
        body: closeIncidentSchema,
        response: { 200: incidentSchema, 400: errorBodySchema, 404: errorBodySchema, 409: errorBodySchema },
      },
    },
    async (request) => {
      const { id } = request.params;
      const closed = await close(pool, id, request.body.reason, authorOf(request));
      if (closed !== undefined) return toIncidentBody(closed);
      if ((await findIncident(pool, id)) === undefined) {
        throw new SignalboxError('not_found', `no incident ${id}`, { param: 'id' });
      }
      throw new SignalboxError('conflict', `the incident ${id} was closed already`);
    },
  );
}

function close(pool: Pool, id: string, reason: string, author: Author): Promise<Incident | undefined> {
  return withTransaction(pool, async (db) => {
    const closed = await closeIncident(db, id, reason);
    if (closed !== undefined) {
      const after = { model_id: closed.modelId, complexity: closed.complexity, reason };
      await appendAudit(db, { service: 'upgrade', author, action: 'incident.close', object: id, after });
    }
    return closed;
  });
}
