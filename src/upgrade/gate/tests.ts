import { bernoulliConfidenceSequence } from '../../statistics/confidence-sequence.ts';
import { logEvidenceOfHarm, logEvidenceOfSafety, type Stratum } from '../../statistics/label-test.ts';
import { type ArmEvidence, armTotals, type Evidence, strataFrom, type TestName } from './evidence.ts';

export interface GateSettings {
  shadow: { minMs: number; minPairs: number };
  canary: {
    shares: readonly number[];
    minMs: readonly number[];
    /** Answers of the candidate in each stage before it is left. */
    minAnswers: number;
    /** Judged answers of the candidate from which on a promotion waits for quality too. */
    minJudged: number;
    /** How much worse, as a share, a candidate may be that counts as no worse. */
    margin: number;
    /** Shares of bad ones below which a candidate is good enough, whatever the other's; null: there is none. */
    acceptable: Record<TestName, number | null>;
  };
  /** Probability of a false rollback by each test. */
  alpha: Record<TestName, number>;
  /** Probability of the promotion of a candidate that is worse than the margin, by each test. */
  beta: number;
}

/** Of one arm in one test: how many of how many were bad. */
export interface BadCount {
  bad: number;
  of: number;
}

/** At which number of trials intervals are tightest. */
const tunedFor = 500;

/** An interval of the rate that holds, with a probability of 1 − `level`, at all times at once. */
export function intervalOf({ bad, of }: BadCount, level: number): [low: number, high: number] {
  return bernoulliConfidenceSequence(bad, of, level, { time: tunedFor, alpha: level });
}

const badOf: Record<TestName, (arm: ArmEvidence) => BadCount> = {
  errors: (arm) => ({ bad: arm.errors, of: arm.requests }),
  quality: (arm) => ({ bad: arm.bad, of: arm.judged }),
  slowness: (arm) => ({ bad: arm.slow, of: arm.timed }),
};

/** What was seen of an arm of a canary since a stage: requests, whichever conversations they are of. */
export function canaryCount(evidence: Evidence, name: TestName, arm: 'canary' | 'control', fromStage = 0): BadCount {
  return badOf[name](armTotals(evidence, arm, fromStage));
}

/** What was seen of a side of pairs. The judge gives scores and no bad answers: there is nothing to count for quality. */
export function pairCount({ shadow }: Evidence, name: TestName, side: 'control' | 'shadow'): BadCount | null {
  if (name === 'quality') return null;
  const sides = name === 'errors' ? shadow.errors : shadow.slow;
  return { bad: sides[side] + sides.both, of: name === 'errors' ? shadow.pairs : shadow.timed };
}

/** What a test counts since a stage: the first bad event of each conversation. */
function countedFrom(evidence: Evidence, name: TestName, stage: number): Stratum[] {
  return strataFrom(evidence, stage).map(({ share, canary, control }) => ({
    share,
    canary: canary.counted[name],
    control: control.counted[name],
  }));
}

/** The stage, from 0, from which a candidate is promoted. */
export function lastStage({ canary }: GateSettings): number {
  return canary.shares.length - 1;
}

/** Natural logarithm of the evidence of pairs that the candidate is worse: an e-value. */
export function logHarmInShadow({ shadow }: Evidence, name: TestName): number {
  if (name === 'quality') return shadow.worse.logCapital;
  const { control, shadow: candidate } = name === 'errors' ? shadow.counted.errors : shadow.counted.slowness;
  return logEvidenceOfHarm([{ share: 0.5, canary: candidate, control }], 1);
}

/** The part of the capital of the canary that is staked on its whole history; the rest, on what later stages show. */
const stakedOnAll = 0.8;

/** By stage from which on it is counted: ln of the part of the capital that is staked on it, and of what that has become. */
function harmByStage(evidence: Evidence, name: TestName, settings: GateSettings): number[] {
  const last = lastStage(settings);
  return settings.canary.shares.map((_, stage) => {
    const staked = last === 0 ? 1 : stage === 0 ? stakedOnAll : (1 - stakedOnAll) / last;
    return Math.log(staked) + logEvidenceOfHarm(countedFrom(evidence, name, stage), 1);
  });
}

/** The stage since which the evidence of harm is strongest, for what it has won since. */
export function harmfulSince(evidence: Evidence, name: TestName, settings: GateSettings): number {
  const byStage = harmByStage(evidence, name, settings);
  return byStage.indexOf(Math.max(...byStage));
}

/**
 * Natural logarithm of the evidence of the whole rollout that the candidate is worse. Half the capital is staked on the
 * pairs; whatever these left of it and the other half are staked on the canary: E = (½ + ½·E_pairs)·E_canary, an e-value
 * again. So one α holds for a candidate's whole life, harmless pairs cost the canary's test no more than ln 2, and nothing
 * where there were none.
 *
 * A long good history would drown what goes wrong at last. So E_canary = 0.8·E_all + Σ 0.2/(S − 1)·E_s over the later ones of
 * the S stages, where E_s counts from stage s on and is 1 before: each begins at 1, and so does their mixture, to which Ville's
 * inequality applies as to each.
 */
export function logHarm(evidence: Evidence, name: TestName, settings: GateSettings): number {
  const pairs = logHarmInShadow(evidence, name);
  const afterShadow = logSumExp([0, pairs]) - Math.log(2);
  return afterShadow + logSumExp(harmByStage(evidence, name, settings));
}

/** ln(Σ e^x), without overflow. */
function logSumExp(values: readonly number[]): number {
  const greatest = Math.max(...values);
  return greatest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - greatest), 0));
}

/**
 * Natural logarithm of the evidence of the last stage that the candidate is not worse by as much as the margin: what it was
 * with less traffic does not say what it is with most of it.
 */
export function logSafety(evidence: Evidence, name: TestName, settings: GateSettings): number {
  return logEvidenceOfSafety(countedFrom(evidence, name, lastStage(settings)), 1 + settings.canary.margin);
}

/** Of `logHarm`: at it the candidate is rolled back. */
export function harmBound(name: TestName, { alpha }: GateSettings): number {
  return Math.log(1 / alpha[name]);
}

/** Of `logSafety`: at it the candidate may be promoted. */
export function safetyBound(name: TestName, settings: GateSettings): number {
  return Math.log(1 / safetyLevel(name, settings));
}

/** The level of each way in which a test can find a candidate safe: where there are two, each has half of β. */
export function safetyLevel(name: TestName, { canary, beta }: GateSettings): number {
  return canary.acceptable[name] === null ? beta : beta / 2;
}

/**
 * The candidate's bad ones in the last stage, as if each bad conversation had one: trials as many times fewer as bad ones come
 * together, for those of one conversation are not independent.
 */
export function independentCount(evidence: Evidence, name: TestName, settings: GateSettings): BadCount {
  const arm = armTotals(evidence, 'canary', lastStage(settings));
  const { bad, of } = badOf[name](arm);
  const together = bad / Math.max(1, arm.counted[name]);
  return together <= 1 ? { bad, of } : { bad: bad / together, of: of / together };
}

/** Whether the candidate's rate of bad ones is low enough by itself. */
function isAcceptable(evidence: Evidence, name: TestName, settings: GateSettings): boolean {
  const acceptable = settings.canary.acceptable[name];
  const count = independentCount(evidence, name, settings);
  // The interval costs more than this question, and is never below the share itself.
  if (acceptable === null || count.of === 0 || count.bad / count.of >= acceptable) return false;
  return intervalOf(count, safetyLevel(name, settings))[1] < acceptable;
}

/** Whether there is evidence enough, by this test, that the candidate is no worse. */
export function isSafe(evidence: Evidence, name: TestName, settings: GateSettings): boolean {
  if (logSafety(evidence, name, settings) >= safetyBound(name, settings)) return true;
  return isAcceptable(evidence, name, settings);
}

/** Of the requests of an arm since a stage, those for which its model was not there. */
export function unavailableCount(evidence: Evidence, arm: 'canary' | 'control', fromStage: number): BadCount {
  const { unavailable, requests } = armTotals(evidence, arm, fromStage);
  return { bad: unavailable, of: unavailable + requests };
}

/**
 * Whether the candidate was there for enough of its requests in a stage to be given more: for as many as it must answer
 * without an error, or for as many as the other, within the margin. Shares and no test: they come in bursts, of which no
 * probability can be told, and all that follows is that the candidate waits.
 */
export function isAvailable(evidence: Evidence, stage: number, { canary }: GateSettings): boolean {
  const [ours, theirs] = (['canary', 'control'] as const).map((arm) => {
    const { bad, of } = unavailableCount(evidence, arm, stage);
    return of === 0 ? 0 : bad / of;
  });
  return (ours ?? 0) <= Math.max(canary.acceptable.errors ?? 0, (1 + canary.margin) * (theirs ?? 0));
}

/** Whether a promotion waits for this test: for quality only where enough answers of the candidate were judged. */
export function isRequired(evidence: Evidence, name: TestName, { canary }: GateSettings): boolean {
  return name !== 'quality' || canaryCount(evidence, 'quality', 'canary').of >= canary.minJudged;
}
