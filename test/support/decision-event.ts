import type { DecisionEvent } from '../../src/central/consume/parse-message.ts';
import type { RoutingDecision } from '../../src/contracts/event.ts';

/** An event as central counts it, of a medium request to `swift`, at the last moment of an hour; tests say what differs. */
export function aDecisionEvent(decision: Partial<RoutingDecision>): DecisionEvent {
  return {
    eventId: 'unused',
    decisionId: '00000000-0000-7000-8000-000000000001',
    attempt: decision.attempt,
    timestamp: '2026-01-01T10:59:59.999Z',
    instanceId: 'router-1',
    explainedBy: null,
    decision: {
      complexity: 'medium',
      selected_model: 'swift',
      selected_provider: 'acme',
      complexity_score: 3,
      outcome: 'routed',
      ...decision,
    },
  };
}
