import { type Answer, type Extraction, isSameAnswer } from './answer.ts';

/** A lane of a race, as far as its vote goes. */
export interface Voter {
  lane: number;
  /** Weight of its vote, not negative. */
  weight: number;
  /** Whose vote it is: lanes of one model have the same. */
  model: string;
}

export interface Cluster {
  /** What the others were compared with: the first answer of its kind. */
  answer: Answer;
  weight: number;
  lanes: number[];
  /** Different models that say so. */
  models: number;
}

export interface Standing {
  /** Heaviest first; equally heavy ones in the order of their lowest lane. */
  clusters: readonly Cluster[];
  /** Valid votes. */
  votes: number;
  /** Weight of all valid votes. */
  weight: number;
}

export type Verdict =
  | { kind: 'open' }
  | { kind: 'consensus'; cluster: Cluster; agreement: number; margin: number }
  | {
      kind: 'no_consensus';
      reason: 'too_few_answers' | 'tie' | 'nobody_agrees' | 'too_little_agreement';
      agreement: number;
    };

/**
 * What a model's vote weighs: ln(p(K − 1)/(1 − p)), with p its chance to be right, cut to [0.05, 0.95], and K the number of
 * answers that there could be; never less than 0. Where a model runs in several lanes these share one vote: what it says
 * twice is not said by two.
 *
 * The optimal weight of independent voters; S. Nitzan and J. Paroush, "Optimal decision rules in uncertain dichotomous
 * choice situations", International Economic Review 23(2), 1982.
 */
export function voteWeight(chanceToBeRight: number, possibleAnswers: number, lanesOfModel: number): number {
  const p = Math.min(0.95, Math.max(0.05, chanceToBeRight));
  return Math.max(0, Math.log((p * (possibleAnswers - 1)) / (1 - p))) / lanesOfModel;
}

/** Puts each answer to the first cluster that says the same, in the order in which they came. */
export function countVotes(votes: ReadonlyArray<{ voter: Voter; answer: Answer }>, extraction: Extraction): Standing {
  const clusters: Cluster[] = [];
  const models = new Map<Cluster, Set<string>>();
  for (const { voter, answer } of votes) {
    let cluster = clusters.find((one) => isSameAnswer(one.answer, answer, extraction));
    if (cluster === undefined) {
      cluster = { answer, weight: 0, lanes: [], models: 0 };
      clusters.push(cluster);
      models.set(cluster, new Set());
    }
    cluster.weight += voter.weight;
    cluster.lanes.push(voter.lane);
    cluster.models = models.get(cluster)?.add(voter.model).size ?? 0;
  }
  clusters.sort((a, b) => b.weight - a.weight || Math.min(...a.lanes) - Math.min(...b.lanes));
  return { clusters, votes: votes.length, weight: votes.reduce((sum, { voter }) => sum + voter.weight, 0) };
}

/**
 * How likely each answer is right, in the order of the clusters: with weights that are log odds, as `voteWeight` gives them,
 * e^weight against the same of all others, those that nobody gave counting 1 each. Votes count as independent.
 */
export function chancesOf({ clusters }: Standing, possibleAnswers: number): number[] {
  const odds = clusters.map(({ weight }) => Math.exp(weight));
  const all = odds.reduce((sum, one) => sum + one, 0) + Math.max(0, possibleAnswers - clusters.length);
  return odds.map((one) => one / all);
}

/**
 * What is certain while lanes of the weight `outstanding` are still out; 0 when all are in. Pure.
 *
 * A consensus needs two valid answers; a heaviest cluster without an equal, and with as many different models as `rules`
 * want, since one alone agrees with nobody; and the share `minAgreement` of the weight of all valid answers. It is declared
 * early only when no answer still out can change it: the lead is greater than the runner-up, or a cluster that nobody is in
 * yet, with all that weight would be, and the agreement would do although everything still out spoke against it.
 */
export function judge(
  standing: Standing,
  outstanding: number,
  { minAgreement, leastModels }: { minAgreement: number; leastModels: number },
): Verdict {
  const [first, second] = standing.clusters;
  const top = first?.weight ?? 0;
  const runnerUp = second?.weight ?? 0;
  const agreement = standing.weight === 0 ? 0 : top / standing.weight;
  const agree = (cluster: Cluster): boolean => cluster.lanes.length >= 2 && cluster.models >= leastModels;
  if (outstanding > 0) {
    const isSure =
      first !== undefined &&
      agree(first) &&
      top > runnerUp + outstanding &&
      top >= minAgreement * (standing.weight + outstanding);
    return isSure ? { kind: 'consensus', cluster: first, agreement, margin: top - runnerUp } : { kind: 'open' };
  }
  if (first === undefined || standing.votes < 2) return { kind: 'no_consensus', reason: 'too_few_answers', agreement };
  if (top <= runnerUp) return { kind: 'no_consensus', reason: 'tie', agreement };
  if (!agree(first)) return { kind: 'no_consensus', reason: 'nobody_agrees', agreement };
  if (agreement < minAgreement) return { kind: 'no_consensus', reason: 'too_little_agreement', agreement };
  return { kind: 'consensus', cluster: first, agreement, margin: top - runnerUp };
}
