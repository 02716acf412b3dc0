import type { Answer, Extraction } from './answer.ts';
import type { Strategy } from './run-race.ts';
import { countVotes, judge, type Voter } from './vote.ts';

/** The first lane that answers at all; all run at once. */
export function firstStrategy<T>(): Strategy<T> {
  return {
    initialLanes: (count) => count,
    next({ ended, running, waiting }) {
      const first = ended.find(({ end }) => end.kind === 'answered');
      if (first !== undefined) return { kind: 'done', winner: first.lane, reason: 'the first valid answer' };
      return running.length + waiting.length > 0
        ? { kind: 'wait' }
        : { kind: 'done', winner: null, reason: 'no lane answered' };
    },
  };
}

/** How good an answer is. */
export interface Confidence {
  /** How likely it is right, in [0, 1]. */
  value: number;
  model: string;
  /** Of its tokens; says something between answers of one model alone. Null where it is not known. */
  meanLogprob: number | null;
}

/**
 * The best answer of those that came in time; all run at once. Of equal ones of one model the one with the greater mean log
 * probability, of others the one that came first.
 */
export function bestStrategy<T>(confidenceOf: (lane: number, answer: T) => Confidence): Strategy<T> {
  return {
    initialLanes: (count) => count,
    next({ ended, running, waiting }) {
      if (running.length + waiting.length > 0) return { kind: 'wait' };
      let best: { lane: number; confidence: Confidence } | null = null;
      for (const { lane, end } of ended) {
        if (end.kind !== 'answered') continue;
        const confidence = confidenceOf(lane, end.answer);
        if (best === null || isBetter(confidence, best.confidence)) best = { lane, confidence };
      }
      if (best === null) return { kind: 'done', winner: null, reason: 'no lane answered' };
      return { kind: 'done', winner: best.lane, reason: 'the most likely to be right of the valid answers' };
    },
  };
}

function isBetter(a: Confidence, b: Confidence): boolean {
  if (a.value !== b.value) return a.value > b.value;
  return a.model === b.model && (a.meanLogprob ?? -Infinity) > (b.meanLogprob ?? -Infinity);
}

/** All that come in time, for somebody else to choose from. */
export function collectStrategy<T>(): Strategy<T> {
  return {
    initialLanes: (count) => count,
    next: ({ running, waiting }) =>
      running.length + waiting.length > 0
        ? { kind: 'wait' }
        : { kind: 'done', winner: null, reason: 'all lanes have ended' },
  };
}

export interface ConsensusRules<T> {
  voters: readonly Voter[];
  extraction: Extraction;
  /** In [0, 1]: share of the weight of all valid answers that the winner must have. */
  minAgreement: number;
  /** True: as many lanes as could agree on a majority first, more where they do not. */
  staged: boolean;
  answerOf(answer: T): Answer;
}

/** The answer that most of the weight is for, as soon as that is certain. */
export function consensusStrategy<T>(rules: ConsensusRules<T>): Strategy<T> {
  const { voters, extraction, minAgreement, staged } = rules;
  const leastModels = Math.min(2, new Set(voters.map(({ model }) => model)).size);
  const weightOf = (lanes: readonly number[]): number =>
    lanes.reduce((sum, lane) => sum + (voters[lane]?.weight ?? 0), 0);
  return {
    initialLanes: (count) => (staged ? Math.min(count, Math.max(2, Math.floor(count / 2) + 1)) : count),
    next({ ended, running, waiting }) {
      const votes = ended.flatMap(({ lane, end }) => {
        const voter = voters[lane];
        return end.kind === 'answered' && voter !== undefined ? [{ voter, answer: rules.answerOf(end.answer) }] : [];
      });
      const standing = countVotes(votes, extraction);
      // Lanes of no weight may be out still, and can change nothing.
      const isOver = running.length + waiting.length === 0;
      const outstanding = isOver ? 0 : Math.max(Number.MIN_VALUE, weightOf(running) + weightOf(waiting));
      const verdict = judge(standing, outstanding, { minAgreement, leastModels });
      if (verdict.kind === 'open') return running.length === 0 ? { kind: 'start', count: 1 } : { kind: 'wait' };
      if (verdict.kind === 'no_consensus') {
        const { reason, agreement } = verdict;
        if (votes.length === 0) return { kind: 'done', winner: null, reason: 'no lane answered' };
        return { kind: 'done', winner: null, reason: `no_consensus: ${reason.replaceAll('_', ' ')}`, agreement };
      }
      const { cluster, agreement, margin } = verdict;
      // Of those who said it, the one whose word weighs most; it was the first of them where several weigh the same.
      const winner = cluster.lanes.reduce((a, b) => ((voters[b]?.weight ?? 0) > (voters[a]?.weight ?? 0) ? b : a));
      const reason = `${cluster.lanes.length} of ${votes.length} valid answers agree`;
      return { kind: 'done', winner, reason, agreement, margin };
    },
  };
}
