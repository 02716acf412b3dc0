import type { RoutingEvent } from '../../src/contracts/event.ts';
import type { Complexity } from '../../src/contracts/query-class.ts';
import { uuidv7 } from '../../src/platform/core/ids.ts';

const models = ['gpt-6-luna', 'gpt-6-sol', 'claude-sonnet-5', 'claude-haiku-5', 'gpt-6-astra', 'mistral-9-large'];
const complexities: readonly Complexity[] = ['simple', 'medium', 'complex'];

/** Time between two decisions. */
const decisionMs = 2;

/** Both events of a decision, with all that a router says. */
function decision(index: number, nowMs: number): [routed: RoutingEvent, outcome: RoutingEvent] {
  const model = models[index % models.length] ?? '';
  const base = {
    timestamp: new Date(nowMs).toISOString(),
    instance_id: `router-${index % 16}`,
  };
  const fields = {
    complexity: complexities[index % 3] ?? 'simple',
    selected_model: model,
    selected_provider: model.startsWith('gpt') ? 'openai' : 'anthropic',
    complexity_score: 4.25,
    capabilities_required: [] as string[],
    prefer: null,
    user_model_request: 'auto',
    decision_id: uuidv7(nowMs),
    query_type: 'technical',
    policy_version: 'a1b2c3d4e5f6',
    attempt: 0,
    origin: 'auto',
    propensity: 0.97,
  } as const;
  return [
    {
      ...base,
      event_id: uuidv7(nowMs),
      routing_decision: { ...fields, outcome: 'routed', response_time_ms: null, explanation },
    },
    {
      ...base,
      event_id: uuidv7(nowMs),
      routing_decision: {
        ...fields,
        outcome: index % 20 === 0 ? 'failure' : 'success',
        response_time_ms: 600 + ((index * 37) % 900),
        streamed: true,
        response_model: `${model}-2026-10-01`,
        input_tokens: 812,
        output_tokens: 264,
        cached_input_tokens: 512,
        cache_write_tokens: 0,
        reasoning_tokens: 64,
        usage_estimated: false,
        cost_usd: 0.00412,
        time_to_first_token_ms: 180 + ((index * 13) % 200),
        http_status: 200,
        error_code: index % 20 === 0 ? 'upstream_error' : null,
      },
    },
  ];
}

/** What a router with this many models to choose from says of its choice. */
const explanation = {
  summary: 'medium technical question: gpt-6-luna is the best for its cost of 6 models; 3 were left out',
  candidates: models.map((model, index) => ({
    model,
    provider: model.startsWith('gpt') ? 'openai' : 'anthropic',
    complexity_score: 4.5 - index / 4,
    score_source: 'learned',
    estimated_cost_usd: 0.0042 + index / 1000,
    expected_ttft_ms: 240 + 10 * index,
    terms: { quality: 0.8123, preference: 0.1, cost: 0.6412, latency: 0.2231, affinity: 0, total: 1.7766 - index / 10 },
    probability: index === 0 ? 0.97 : 0.006,
  })),
  excluded: ['o9-mini', 'gpt-6-embed', 'claude-vision-2'].map((model) => ({
    model,
    provider: 'openai',
    reason: 'capability',
    detail: 'cannot do: tools',
  })),
  excluded_counts: { capability: 3 },
};

/**
 * Events in the order in which a queue gets them from routers under load: the outcome of a decision comes `apart`
 * decisions after it.
 */
export function makeEvents(decisions: number, apart: number, nowMs = Date.now()): RoutingEvent[] {
  const pairs = Array.from({ length: decisions }, (_, index) => decision(index, nowMs + index * decisionMs));
  const events: RoutingEvent[] = [];
  for (let index = 0; index < decisions + apart; index += 1) {
    const routed = pairs[index]?.[0];
    const outcome = pairs[index - apart]?.[1];
    if (routed !== undefined) events.push(routed);
    if (outcome !== undefined) events.push(outcome);
  }
  return events;
}
