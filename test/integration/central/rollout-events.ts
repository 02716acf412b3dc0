import type { RoutingDecision, RoutingEvent } from '../../../src/contracts/event.ts';
import type { RolloutLabel, ShadowPair } from '../../../src/contracts/rollout.ts';
import { eventOf, newId } from './support.ts';

export const rolloutId = '0198a000-0000-7000-8000-00000000000a';

/** A decision that is part of a rollout, and the events by which its router tells of it. */
export interface TestArm {
  decisionId: string;
  routed(): RoutingEvent;
  attempt(decision: Partial<RoutingDecision>): RoutingEvent;
  feedback(score: number, attempt?: number): RoutingEvent;
  /** Of a copy alone. */
  pair(pair?: Partial<ShadowPair>): RoutingEvent;
}

const origins = { canary: 'canary', control: 'auto', shadow: 'shadow' } as const;

export function rolloutArm(
  arm: RolloutLabel['arm'],
  {
    model = arm,
    share = 0.1,
    unit,
    decisionId = newId(),
  }: { model?: string; share?: number; unit?: string; decisionId?: string } = {},
): TestArm {
  const label: RolloutLabel = { rollout_id: rolloutId, arm, share, ...(unit === undefined ? {} : { unit }) };
  const event = (decision: Partial<RoutingDecision>): RoutingEvent =>
    eventOf(decisionId, {
      origin: origins[arm],
      query_type: 'technical',
      selected_model: model,
      selected_provider: 'acme',
      rollout: label,
      ...decision,
    });
  return {
    decisionId,
    routed: () => event({ outcome: 'routed', attempt: 0 }),
    attempt: (decision) => event({ attempt: 0, ...decision }),
    feedback: (score, attempt) =>
      eventOf(decisionId, {
        origin: 'feedback',
        outcome: score >= 0.5 ? 'success' : 'failure',
        feedback_score: score,
        ...(attempt === undefined ? {} : { attempt }),
      }),
    pair: (pair = {}) =>
      event({ outcome: 'success', rollout: { ...label, pair: { error: 'neither', invalid: 'neither', ...pair } } }),
  };
}
