import { z } from 'zod';
import { errorBodySchema } from '../../contracts/api.ts';
import { newTeamSchema, teamListSchema, teamPatchSchema, teamSchema } from '../../contracts/keys.ts';
import { authorOf } from '../../platform/http/author.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { listTeams } from '../../platform/store/teams.ts';
import { type KeyEditor, teamOf } from '../keys/edit-keys.ts';

const tags = ['teams'];
const params = z.object({
  id: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[^\0]*$/, 'must not contain NUL')
    .describe('Name or id.'),
});
const errors = { 400: errorBodySchema, 404: errorBodySchema };
const querySchema = z.strictObject({ limit: z.coerce.number().int().min(1).max(10_000).default(1000) });

export function registerTeams(app: ZodApp, pool: Pool, editor: KeyEditor): void {
  app.post(
    '/teams',
    {
      schema: {
        tags,
        summary: 'Make a team; its limits hold all its keys together',
        body: newTeamSchema,
        response: { 201: teamSchema, 400: errorBodySchema, 409: errorBodySchema },
      },
    },
    async (request, reply) => reply.status(201).send(await editor.createTeam(request.body, authorOf(request))),
  );
  app.get(
    '/teams',
    {
      schema: {
        tags,
        summary: 'Teams with their limits and what is left of them, by name',
        querystring: querySchema,
        response: { 200: teamListSchema, 400: errorBodySchema },
      },
    },
    async ({ query: { limit } }) => {
      const teams = await listTeams(pool, limit + 1);
      return { teams: teams.slice(0, limit), has_more: teams.length > limit };
    },
  );
  app.get(
    '/teams/:id',
    { schema: { tags, summary: 'One team', params, response: { 200: teamSchema, ...errors } } },
    async ({ params: { id } }) => teamOf(pool, id),
  );
  app.patch(
    '/teams/:id',
    {
      schema: {
        tags,
        summary: 'Change a team; what is left out stays, null takes a limit away',
        params,
        body: teamPatchSchema,
        response: { 200: teamSchema, ...errors, 409: errorBodySchema },
      },
    },
    async (request) => editor.updateTeam(request.params.id, request.body, authorOf(request)),
  );
  app.delete(
    '/teams/:id',
    {
      schema: {
        tags,
        summary: 'Delete a team that has no key in use',
        params,
        response: { 200: teamSchema, ...errors, 409: errorBodySchema },
      },
    },
    async (request) => editor.deleteTeam(request.params.id, authorOf(request)),
  );
}
