import {
  refinementRequestSchema,
  type RouteRequest,
  routeRequestSchema,
  type RouteResponse,
  routeResponseSchema,
} from '../../contracts/decision.ts';
import type { Config } from '../../platform/config/load.ts';
import type { Clock } from '../../platform/core/clock.ts';
import type { Live } from '../../platform/core/live.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import { promptFromText } from '../classify/prompt.ts';
import type { Decision } from '../decide.ts';
import type { Gateway } from '../gateway.ts';
import type { Affinity } from '../select/affinity.ts';
import { anyModel } from '../select/policy.ts';
import { conversationIdOf } from '../conversation.ts';
import { tradeOffFrom } from './decision-request.ts';

export interface RouteOptions {
  gateway: Gateway;
  affinity: Affinity;
  clock: Clock;
  deadlines: Live<Config['deadlines']>;
}

export function registerRoute(app: ZodApp, { gateway, affinity, clock, deadlines }: RouteOptions): void {
  app.post(
    '/route',
    {
      schema: {
        tags: ['routing'],
        summary: 'Decide which model should answer, without calling it',
        body: routeRequestSchema,
        response: { 200: routeResponseSchema },
      },
    },
    async ({ body, caller }) => {
      const conversation =
        body.session_id === undefined ? null : affinity.find(conversationIdOf(body.session_id, caller), clock.nowMs());
      const decision = gateway.decide({
        expectsOutcome: false,
        prompt: promptFromText(body.query, body.has_images === true ? 1 : 0),
        requestedModel: body.model ?? 'auto',
        complexity: body.complexity,
        constraints: {
          ...constraintsOfRoute(body),
          tradeOff: tradeOffFrom(body.cost_quality_tradeoff, caller),
          allowedModels: caller.allowedModels,
          mayExplore: caller.mayExplore,
          conversation,
        },
      });
      return toResponse(decision, deadlines().first_token_ms[decision.classification.complexity]);
    },
  );

  app.post(
    '/route/refinement',
    {
      schema: {
        tags: ['routing'],
        summary: 'Choose a fast and cheap model that refines a prompt while the user waits',
        body: refinementRequestSchema,
        response: { 200: routeResponseSchema },
      },
    },
    async ({ body, caller }) => {
      const decision = gateway.decide({
        expectsOutcome: false,
        prompt: promptFromText(body.query),
        requestedModel: 'auto',
        // A refinement rewrites a few words, whatever the question is about.
        complexity: 'simple',
        constraints: {
          ...anyModel,
          refinersOnly: true,
          prefer: 'speed',
          allowedModels: caller.allowedModels,
          mayExplore: caller.mayExplore,
        },
      });
      return toResponse(decision, deadlines().refinement_ms);
    },
  );
}

function constraintsOfRoute(body: RouteRequest): Parameters<Gateway['decide']>[0]['constraints'] {
  return {
    ...anyModel,
    requiredCapabilities: body.capabilities ?? [],
    maxOutputTokens: body.max_output_tokens ?? null,
    maxCostUsd: body.max_cost_usd ?? null,
    prefer: body.prefer ?? null,
  };
}

function toResponse(decision: Decision, budgetMs: number): RouteResponse {
  const [chosen] = decision.chain;
  return {
    decision_id: decision.decisionId,
    model_id: chosen.modelId,
    provider: chosen.providerName,
    ...decision.classification,
    complexity_score: chosen.complexityScore,
    fallback_chain: decision.chain.slice(1).map((step) => ({ model_id: step.modelId, provider: step.providerName })),
    budget_ms: budgetMs,
    estimated_cost_usd: decision.estimatedCostUsd,
    policy_version: decision.policyVersion,
    explanation: decision.explanation,
  };
}
