import { z } from 'zod';
import { errorBodySchema } from '../../contracts/api.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import { authorOf } from '../../platform/http/author.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import {
  countDeadLetters,
  findDeadLetter,
  listDeadLetters,
  type ListedDeadLetter,
} from '../../platform/store/dead-letters.ts';
import { type Chosen, type Cleared, discard, replay } from '../consume/dead-letters.ts';

const tags = ['dead letters'];
/** Every 64-bit number that a queue may come to. */
const idSchema = z.string().regex(/^\d{1,18}$/, 'must be the number of a message');
const letterSchema = z.object({
  id: idSchema,
  reason: z.string().nullable().describe('Why the event could not be counted.'),
  received_at: z.iso.datetime(),
  replays: z.int().describe('How often it was replayed before.'),
});
const bodySchema = z.union([
  z.strictObject({ ids: z.array(idSchema).min(1).max(1000) }),
  z.strictObject({
    all: z.literal(true),
    up_to: idSchema.optional().describe('The `up_to` of the answer before, where something was left.'),
  }),
]);
const clearedFields = {
  left: z.int().describe('How many of those asked for are still to do: ask again with `up_to`.'),
  up_to: idSchema.nullable(),
};
const errors = { 400: errorBodySchema, 404: errorBodySchema };

export function registerDeadLetters(app: ZodApp, pool: Pool): void {
  app.get(
    '/dead-letters',
    {
      schema: {
        tags,
        summary: 'Events that could not be counted, the newest first',
        querystring: z.strictObject({
          limit: z.coerce.number().int().min(1).max(100).default(50),
          before: idSchema.optional().describe('The `next` of the page before.'),
        }),
        response: {
          200: z.object({
            dead_letters: z.array(letterSchema),
            total: z.int(),
            next: idSchema.nullable().describe('Pass it as `before` for the next page; null on the last one.'),
          }),
        },
      },
    },
    async ({ query: { limit, before } }) => {
      const letters = await listDeadLetters(pool, { before, limit });
      const total = await countDeadLetters(pool);
      const next = letters.length < limit ? null : (letters.at(-1)?.id ?? null);
      return { dead_letters: letters.map(toLetter), total, next };
    },
  );
  app.get(
    '/dead-letters/:id',
    {
      schema: {
        tags,
        summary: 'One of them, with its message',
        params: z.object({ id: idSchema }),
        response: { 200: letterSchema.extend({ message: z.unknown() }), ...errors },
      },
    },
    async ({ params: { id } }) => {
      const letter = await findDeadLetter(pool, id);
      if (letter === undefined) throw new SignalboxError('not_found', `no dead letter ${id}`, { param: 'id' });
      return { ...toLetter(letter), message: letter.message };
    },
  );
  app.post(
    '/dead-letters/replay',
    {
      schema: {
        tags,
        summary: 'Give events back to the queue, as the same events',
        body: bodySchema,
        response: { 200: z.object({ replayed: z.int(), ...clearedFields }), ...errors },
      },
    },
    async (request) => {
      const { count, ...rest } = toAnswer(await replay(pool, toChosen(request.body), authorOf(request)));
      return { replayed: count, ...rest };
    },
  );
  app.delete(
    '/dead-letters',
    {
      schema: {
        tags,
        summary: 'Delete events for good',
        body: bodySchema,
        response: { 200: z.object({ discarded: z.int(), ...clearedFields }), ...errors },
      },
    },
    async (request) => {
      const { count, ...rest } = toAnswer(await discard(pool, toChosen(request.body), authorOf(request)));
      return { discarded: count, ...rest };
    },
  );
}

function toLetter({ id, reason, enqueuedAt, replays }: ListedDeadLetter) {
  return { id, reason, received_at: enqueuedAt.toISOString(), replays };
}

function toChosen(body: z.infer<typeof bodySchema>): Chosen {
  return 'ids' in body ? body : { all: true, upTo: body.up_to };
}

function toAnswer({ count, left, upTo }: Cleared) {
  return { count, left, up_to: upTo };
}
