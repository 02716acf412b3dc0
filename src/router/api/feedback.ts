import { z } from 'zod';
import { type Outcome, type RoutingEvent, terminalOutcomes } from '../../contracts/event.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import { uuidv7 } from '../../platform/core/ids.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Publisher } from '../publish/publisher.ts';
import type { DecisionSummary, RecentDecisions } from '../publish/recent-decisions.ts';

const bodySchema = z
  .object({
    decision_id: z.uuid(),
    outcome: z.enum(terminalOutcomes).optional().describe('How the answer turned out for you.'),
    score: z.number().min(0).max(1).optional().describe('Quality of the answer; from 0.5 on it counts as good.'),
  })
  .refine((body) => body.outcome !== undefined || body.score !== undefined, {
    message: 'give an outcome or a score',
    path: ['outcome'],
  });

export interface FeedbackOptions {
  recent: RecentDecisions;
  /** Looks a decision up that this process did not make or does not remember. */
  findStored(decisionId: string): Promise<DecisionSummary | undefined>;
  publisher: Publisher;
  instanceId: string;
}

/** Tells the learner how an answer was: the truth that no status code holds. */
export function registerFeedback(app: ZodApp, options: FeedbackOptions): void {
  app.post(
    '/feedback',
    {
      schema: {
        tags: ['routing'],
        summary: 'Report how good the answer to a decision was',
        body: bodySchema,
        response: { 202: z.object({ accepted: z.literal(true), decision_id: z.uuid() }) },
      },
    },
    async ({ body }, reply) => {
      const decisionId = body.decision_id;
      const decision = options.recent.find(decisionId) ?? (await options.findStored(decisionId));
      if (decision === undefined) {
        throw new SignalboxError('not_found', `no decision ${decisionId} is known`, { param: 'decision_id' });
      }
      const outcome = body.outcome ?? ((body.score ?? 0) >= 0.5 ? 'success' : 'failure');
      if (decision.isOpen)
        options.publisher.publish(feedbackEvent(decision, outcome, null, 'auto', options.instanceId));
      if (!decision.isOpen || body.score !== undefined) {
        options.publisher.publish(feedbackEvent(decision, outcome, body.score ?? null, 'feedback', options.instanceId));
      }
      void reply.status(202);
      return { accepted: true as const, decision_id: decisionId };
    },
  );
}

/** Origin `auto`: the outcome of advice, which nobody else can tell. Origin `feedback`: a correction of a known outcome. */
function feedbackEvent(
  decision: DecisionSummary,
  outcome: Outcome,
  score: number | null,
  origin: 'auto' | 'feedback',
  instanceId: string,
): RoutingEvent {
  return {
    timestamp: new Date(decision.timestampMs).toISOString(),
    instance_id: instanceId,
    event_id: uuidv7(),
    routing_decision: {
      complexity: decision.complexity,
      selected_model: decision.modelId,
      selected_provider: decision.providerName,
      complexity_score: decision.complexityScore,
      outcome,
      decision_id: decision.decisionId,
      ...(origin === 'auto' ? { attempt: 0 } : {}),
      origin,
      feedback_score: score,
    },
  };
}
