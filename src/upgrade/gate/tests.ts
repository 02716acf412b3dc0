import { bernoulliConfidenceSequence } from '../../statistics/confidence-sequence.ts';
import { logEvidenceOfHarm, logEvidenceOfSafety, type Stratum } from '../../statistics/label-test.ts';
import { type ArmEvidence, armTotals, type Evidence } from './evidence.ts';

export const testNames = ['errors', 'quality', 'slowness'] as const;
export type TestName = (typeof testNames)[number];

export interface GateSettings {
  shadow: { minMs: number; minPairs: number };
  canary: {
    shares: readonly number[];
    minMs: readonly number[];
    /** How much worse, as a share, a candidate may be that counts as no worse. */
    margin: number;
    /** Share of errors below which a candidate is good enough, whatever the other's. */
    acceptableErrorRate: number;
  };
  /** Probability of a false rollback by each test. */
  alpha: Record<TestName, number>;
  /** Probability of the promotion of a candidate that is worse than the margin. */
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

/** What a test has of an arm of a canary. */
export function canaryCount(evidence: Evidence, name: TestName, arm: 'canary' | 'control'): BadCount {
  return badOf[name](armTotals(evidence, arm));
}

/** What a test has of a side of pairs. The judge gives scores and no bad answers: there is nothing to count for quality. */
export function pairCount({ shadow }: Evidence, name: TestName, side: 'control' | 'shadow'): BadCount | null {
  if (name === 'quality') return null;
  const sides = name === 'errors' ? shadow.errors : shadow.slow;
  return { bad: sides[side] + sides.both, of: name === 'errors' ? shadow.pairs : shadow.timed };
}

function strataOf(evidence: Evidence, name: TestName): Stratum[] {
  return evidence.canary.strata.map(({ share, canary, control }) => ({
    share,
    canary: badOf[name](canary).bad,
    control: badOf[name](control).bad,
  }));
}

/** Natural logarithm of the evidence of pairs that the candidate is worse: an e-value. */
export function logHarmInShadow({ shadow }: Evidence, name: TestName): number {
  if (name === 'quality') return shadow.worse.logCapital;
  const { control, shadow: candidate } = name === 'errors' ? shadow.errors : shadow.slow;
  return logEvidenceOfHarm([{ share: 0.5, canary: candidate, control }], 1);
}

/**
 * Natural logarithm of the evidence of the whole rollout that the candidate is worse. Half the capital is staked on the
 * pairs; whatever these left of it and the other half are staked on the canary: E = (½ + ½·E_pairs)·E_canary, an e-value
 * again. So one α holds for a candidate's whole life, harmless pairs cost the canary's test no more than ln 2, and nothing
 * where there were none.
 */
export function logHarm(evidence: Evidence, name: TestName): number {
  const pairs = logHarmInShadow(evidence, name);
  const afterShadow = Math.max(0, pairs) + Math.log1p(Math.exp(-Math.abs(pairs))) - Math.log(2);
  return afterShadow + logEvidenceOfHarm(strataOf(evidence, name), 1);
}

/** Natural logarithm of the evidence of the canary that the candidate is not worse by as much as the margin. */
export function logSafety(evidence: Evidence, name: TestName, margin: number): number {
  return logEvidenceOfSafety(strataOf(evidence, name), 1 + margin);
}

/** Whether the canary's rate of errors is low enough by itself. */
export function hasAcceptableErrors(evidence: Evidence, { canary, beta }: GateSettings): boolean {
  const errors = canaryCount(evidence, 'errors', 'canary');
  // The interval costs more than this question, and is never below the share itself.
  if (errors.of === 0 || errors.bad / errors.of >= canary.acceptableErrorRate) return false;
  return intervalOf(errors, beta)[1] < canary.acceptableErrorRate;
}

/** Whether there is evidence enough, by this test, that the candidate is no worse. */
export function isSafe(evidence: Evidence, name: TestName, settings: GateSettings): boolean {
  if (logSafety(evidence, name, settings.canary.margin) >= Math.log(1 / settings.beta)) return true;
  return name === 'errors' && hasAcceptableErrors(evidence, settings);
}

/** Whether a promotion waits for this test: for quality only where anybody has ever judged an answer. */
export function isRequired(evidence: Evidence, name: TestName): boolean {
  if (name !== 'quality') return true;
  return canaryCount(evidence, 'quality', 'canary').of + canaryCount(evidence, 'quality', 'control').of > 0;
}
