import type { RoutingDecision, RoutingEvent } from '../../../src/contracts/event.ts';
import type { RaceLane, RaceVerdict } from '../../../src/contracts/race.ts';
import { eventOf, newId } from './support.ts';

/** A lane of a race, and the events by which its router tells of it. */
export interface TestLane {
  decisionId: string;
  routed(): RoutingEvent;
  attempt(decision: Partial<RoutingDecision>): RoutingEvent;
  verdict(verdict?: Partial<RaceVerdict>, decision?: Partial<RoutingDecision>): RoutingEvent;
}

export function raceLane(
  race: Partial<RaceLane> & { model: string; provider?: string; decisionId?: string },
): TestLane {
  const { model, provider = 'acme', decisionId = newId(), ...fields } = race;
  const lane: RaceLane = {
    race_id: newId(),
    strategy: 'best',
    lane: 0,
    lanes: 2,
    caller_id: 'key-1',
    estimated_cost_usd: 0.5,
    ...fields,
  };
  const event = (decision: Partial<RoutingDecision>): RoutingEvent =>
    eventOf(decisionId, {
      origin: 'race',
      query_type: 'technical',
      selected_model: model,
      selected_provider: provider,
      race: lane,
      ...decision,
    });
  return {
    decisionId,
    routed: () => event({ outcome: 'routed', attempt: 0 }),
    attempt: (decision) => event({ attempt: 0, ...decision }),
    verdict: (verdict = {}, decision = {}) =>
      event({
        outcome: 'success',
        ...decision,
        race: {
          ...lane,
          verdict: {
            status: 'won',
            finished_first: false,
            race_outcome: 'decided',
            race_reason: 'the highest confidence by judge',
            race_ms: 1000,
            ...verdict,
          },
        },
      }),
  };
}
