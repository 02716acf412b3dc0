import type { Complexity } from '../../contracts/query-class.ts';
import type { Decision } from '../decide.ts';

/** What later feedback needs to know of a decision. */
export interface DecisionSummary {
  decisionId: string;
  timestampMs: number;
  complexity: Complexity;
  modelId: string;
  providerName: string;
  complexityScore: number;
  /** True while no call was made for it: advice, of which only the caller knows how it turned out. */
  isOpen: boolean;
}

/** The newest decisions of this process, so that feedback which comes soon need not wait for the queue. */
export interface RecentDecisions {
  add(decision: Decision): void;
  /** A model is being called for it. */
  markCalled(decisionId: string): void;
  find(decisionId: string): DecisionSummary | undefined;
}

export function createRecentDecisions(size: number): RecentDecisions {
  const byId = new Map<string, DecisionSummary>();
  // A ring of the ids. A Map has them in order too, but the way to its first key leads past all that were deleted.
  const ids: string[] = [];
  let next = 0;

  return {
    add(decision) {
      const oldest = ids[next];
      if (oldest !== undefined) byId.delete(oldest);
      ids[next] = decision.decisionId;
      next = (next + 1) % size;
      const [chosen] = decision.chain;
      byId.set(decision.decisionId, {
        decisionId: decision.decisionId,
        timestampMs: decision.timestampMs,
        complexity: decision.classification.complexity,
        modelId: chosen.modelId,
        providerName: chosen.providerName,
        complexityScore: chosen.complexityScore,
        isOpen: true,
      });
    },
    markCalled(decisionId) {
      const summary = byId.get(decisionId);
      if (summary !== undefined) byId.set(decisionId, { ...summary, isOpen: false });
    },
    find: (decisionId) => byId.get(decisionId),
  };
}
