import { z } from 'zod';
import { errorBodySchema } from '../../contracts/api.ts';
import {
  keyPageSchema,
  keyPatchSchema,
  keySchema,
  keyWithSecretSchema,
  newKeySchema,
  rotationSchema,
} from '../../contracts/keys.ts';
import { authorOf } from '../../platform/http/author.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import { listKeys } from '../../platform/store/virtual-keys.ts';
import { type KeyEditor, keyOf, teamOf } from '../keys/edit-keys.ts';

const tags = ['keys'];
const params = z.object({ id: z.uuid() });
const errors = { 400: errorBodySchema, 403: errorBodySchema, 404: errorBodySchema };

const querySchema = z.strictObject({
  team: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[^\0]*$/, 'must not contain NUL')
    .optional()
    .describe('Name or id of a team.'),
  revoked: z.stringbool().default(false).describe('Whether to list revoked keys too.'),
  before: z.uuid().optional().describe('The `next` of the page before.'),
  limit: z.coerce.number().int().min(1).max(10_000).default(1000),
});

export function registerKeys(app: ZodApp, pool: Pool, editor: KeyEditor): void {
  app.post(
    '/keys',
    {
      schema: {
        tags,
        summary: 'Make a virtual key; the answer shows it this once',
        body: newKeySchema,
        response: { 201: keyWithSecretSchema, ...errors },
      },
    },
    async (request, reply) => {
      const key = await editor.createKey(request.body, authorOf(request));
      return reply.status(201).header('cache-control', 'no-store').send(key);
    },
  );
  app.get(
    '/keys',
    {
      schema: {
        tags,
        summary: 'Keys with their limits and what is left of them, the newest first',
        querystring: querySchema,
        response: { 200: keyPageSchema, ...errors },
      },
    },
    async ({ query: { team, revoked, before, limit } }) => {
      const teamId = team === undefined ? undefined : (await teamOf(pool, team)).team_id;
      const keys = await listKeys(pool, { teamId, withRevoked: revoked, before }, limit);
      return { keys, next: keys.length < limit ? null : (keys.at(-1)?.key_id ?? null) };
    },
  );
  app.get(
    '/keys/:id',
    { schema: { tags, summary: 'One key', params, response: { 200: keySchema, ...errors } } },
    async ({ params: { id } }) => keyOf(pool, id),
  );
  app.patch(
    '/keys/:id',
    {
      schema: {
        tags,
        summary: 'Change a key; what is left out stays, null takes a limit away',
        params,
        body: keyPatchSchema,
        response: { 200: keySchema, ...errors },
      },
    },
    async (request) => editor.updateKey(request.params.id, request.body, authorOf(request)),
  );
  app.delete(
    '/keys/:id',
    { schema: { tags, summary: 'Revoke a key for ever', params, response: { 200: keySchema, ...errors } } },
    async (request) => editor.revokeKey(request.params.id, authorOf(request)),
  );
  app.post(
    '/keys/:id/rotate',
    {
      schema: {
        tags,
        summary: 'Replace the text of a key; its limits and what was spent stay',
        params,
        body: rotationSchema,
        response: { 200: keyWithSecretSchema, ...errors, 409: errorBodySchema },
      },
    },
    async (request, reply) => {
      const { grace_seconds: graceSeconds = 0 } = request.body ?? {};
      const key = await editor.rotateKey(request.params.id, graceSeconds, authorOf(request));
      return reply.header('cache-control', 'no-store').send(key);
    },
  );
}
