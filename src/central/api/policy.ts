import { PassThrough } from 'node:stream';
import { z } from 'zod';
import { errorBodySchema } from '../../contracts/api.ts';
import { policyEvaluationSchema } from '../../contracts/policy-evaluation.ts';
import { configSchema } from '../../platform/config/schema.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import { toSignalboxError } from '../../platform/http/error-reply.ts';
import { openAiErrorBody } from '../../platform/http/error-shapes.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Pool } from '../../platform/postgres/pool.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import { evaluatePolicy } from '../evaluate/evaluate-policy.ts';

const bodySchema = z.strictObject({
  policy: configSchema.shape.routing
    .unwrap()
    .describe('As `routing` in the configuration; what is left out has its default.'),
  since: z.iso.datetime({ offset: true }),
  until: z.iso.datetime({ offset: true }).nullable().default(null).describe('Null: up to now.'),
  limit: z.int().min(1).max(500_000).default(200_000).describe('Newest decisions that are read at the most.'),
});

const lines = 'application/x-ndjson';

/** `POST /policy/evaluate`. One evaluation at a time, since each keeps what it has read in memory. */
export function registerPolicy(app: ZodApp, pool: Pool, log: Logger): void {
  let isRunning = false;
  app.post(
    '/policy/evaluate',
    {
      schema: {
        tags: ['policy'],
        summary: 'What another policy would have been worth on the decisions that were logged',
        description:
          `With \`Accept: ${lines}\` the answer is lines of JSON: \`{"read": DECISIONS}\` again and again, then ` +
          '`{"evaluation": …}` or `{"error": …}`.',
        body: bodySchema,
        response: { 200: policyEvaluationSchema, 400: errorBodySchema, 404: errorBodySchema, 409: errorBodySchema },
      },
    },
    async ({ body: { policy, ...window }, headers }, reply) => {
      if (isRunning)
        throw new SignalboxError('conflict', 'another evaluation is under way; try again when it has ended');
      isRunning = true;
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort());
      const evaluate = async (onRead: (read: number) => void) => {
        try {
          return await evaluatePolicy(pool, { rules: policy, ...window }, { onRead, signal: gone.signal });
        } finally {
          isRunning = false;
        }
      };
      if (headers.accept?.includes(lines) !== true) {
        try {
          return await evaluate(() => undefined);
        } catch (error) {
          if (gone.signal.aborted) return reply.hijack();
          throw error;
        }
      }

      const answer = new PassThrough();
      const write = (line: unknown): void => void answer.write(`${JSON.stringify(line)}\n`);
      write({ read: 0 });
      void evaluate((read) => write({ read }))
        .then((evaluation) => write({ evaluation }))
        .catch((error: unknown) => {
          const known = toSignalboxError(error);
          if (known.status >= 500 && !gone.signal.aborted)
            log.error({ err: error }, 'the evaluation of a policy failed');
          write(openAiErrorBody(known));
        })
        .finally(() => answer.end());
      return reply.type(lines).send(answer as never);
    },
  );
}
