import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Engine } from '../engine.ts';
import { faultForms, parseFault } from '../faults.ts';
import { profileChangesSchema } from '../profiles.ts';
import { openAiError, parseBody, unknownFault } from './provider-error.ts';

const ruleSchema = z.strictObject({
  fault: z.string().max(100),
  model: z.string().min(1).max(200).optional(),
  times: z.int().min(1).max(1_000_000).optional(),
  probability: z.number().min(0).max(1).default(1),
  endpoint: z.enum(['generation', 'models']).default('generation'),
});

/** What steers and observes the simulator itself; no provider has these. */
export function registerControlRoutes(server: FastifyInstance, engine: Engine): void {
  server.post('/sim/faults', async (request, reply) => {
    const { model, times, ...rest } = parseBody(ruleSchema, request.body, 'openai');
    if (parseFault(rest.fault) === undefined) throw unknownFault('openai');
    if (model !== undefined && engine.findModel(model) === undefined) {
      throw openAiError(400, `No model ${model}.`, { param: 'model', code: 'model_not_found' });
    }
    const rule = engine.faults.add({
      ...rest,
      ...(model !== undefined && { model }),
      ...(times !== undefined && { times }),
    });
    if (rule === undefined) throw openAiError(400, 'There are too many faults; delete them first.');
    return reply.code(201).send(rule);
  });

  server.get('/sim/faults', async () => ({ faults: engine.faults.list(), known: faultForms }));

  server.delete('/sim/faults', async () => {
    engine.faults.clear();
    return { faults: [] };
  });

  server.post('/sim/models', async (request, reply) => {
    const changes = parseBody(profileChangesSchema, request.body, 'openai');
    if (!engine.changeModel(changes)) throw openAiError(400, 'There are too many models; reset the simulator first.');
    return reply.code(201).send(engine.findModel(changes.id));
  });

  server.get('/sim/stats', async () => ({
    uptime_s: engine.uptimeS(),
    models: engine.stats.models(),
    replay: engine.replayCounts(),
  }));

  server.post('/sim/reset', async () => {
    engine.reset();
    return { reset: true };
  });
}
