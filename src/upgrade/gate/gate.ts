import type { RolloutState } from '../../contracts/rollout.ts';
import { requestsNeeded } from './estimate.ts';
import { armTotals, type Evidence, testNames, type TestName } from './evidence.ts';
import {
  type BadCount,
  canaryCount,
  type GateSettings,
  harmfulSince,
  isAvailable,
  isRequired,
  isSafe,
  lastStage,
  logHarm,
  pairCount,
  unavailableCount,
} from './tests.ts';

export interface Stage {
  state: RolloutState;
  stage: number;
  /** Since when it is in this state and stage, in milliseconds. */
  ageMs: number;
}

export interface Verdict {
  /** What has to happen now. */
  event: 'harm' | 'advance' | null;
  /** Why, or what is waited for; in words. */
  reason: string;
}

/** What the gate says of a rollout that is not under way. */
export const notUnderWay: Verdict = { event: null, reason: 'nothing is being tried' };

export type Decision = { event: 'harm'; test: TestName } | { event: 'advance' };

/**
 * Whether the candidate does harm or may advance, after what was seen so far; null: neither. Pure; to be asked after every
 * observation, which the tests allow. Too little data is never a reason to advance from the last stage.
 */
export function decide(stage: Stage, evidence: Evidence, settings: GateSettings): Decision | null {
  if (stage.state !== 'shadow' && stage.state !== 'canary') return null;
  const test = testNames.find((name) => logHarm(evidence, name, settings) >= Math.log(1 / settings.alpha[name]));
  if (test !== undefined) return { event: 'harm', test };
  const { minMs, answers, isLast } = describe(stage, evidence, settings);
  if (stage.ageMs < minMs) return null;
  if (stage.state === 'shadow') {
    return evidence.shadow.pairs >= settings.shadow.minPairs ? { event: 'advance' } : null;
  }
  if (answers < settings.canary.minAnswers || !isAvailable(evidence, stage.stage, settings)) return null;
  // What is cheap to ask comes first.
  const isProven =
    !isLast || safetyOrder.every((name) => !isRequired(evidence, name, settings) || isSafe(evidence, name, settings));
  return isProven ? { event: 'advance' } : null;
}

const safetyOrder: readonly TestName[] = ['slowness', 'quality', 'errors'];

/** What is decided, and why; or what is waited for. Costs far more than `decide`, for it says how long that may take. */
export function judge(stage: Stage, evidence: Evidence, settings: GateSettings): Verdict {
  if (stage.state !== 'shadow' && stage.state !== 'canary') return notUnderWay;
  const decision = decide(stage, evidence, settings);
  if (decision?.event === 'harm') {
    const { test } = decision;
    return { event: 'harm', reason: harmReason(stage, evidence, test, settings) };
  }
  if (decision?.event === 'advance') return { event: 'advance', reason: advanceReason(stage, evidence, settings) };
  return { event: null, reason: waitReason(stage, evidence, settings) };
}

interface StageFacts {
  /** The least time in this stage, in milliseconds. */
  minMs: number;
  /** Of a canary: its share, the candidate's answers in the stage, and whether no further stage comes. */
  share: number;
  answers: number;
  isLast: boolean;
}

function describe({ state, stage }: Stage, evidence: Evidence, { shadow, canary }: GateSettings): StageFacts {
  if (state === 'shadow') return { minMs: shadow.minMs, share: 0, answers: 0, isLast: false };
  const index = Math.min(stage, canary.shares.length - 1);
  const share = canary.shares[index] ?? 0;
  return {
    minMs: canary.minMs[index] ?? 0,
    share,
    answers: armTotals(evidence, 'canary', index).requests,
    isLast: index === canary.shares.length - 1,
  };
}

function advanceReason(stage: Stage, evidence: Evidence, settings: GateSettings): string {
  const { share, answers, isLast } = describe(stage, evidence, settings);
  const noSign = 'and no sign that it is worse';
  if (stage.state === 'shadow') return `${counted(evidence.shadow.pairs, 'pair')} ${noSign}`;
  if (!isLast) return `${counted(answers, 'answer')} at ${percent(share)} ${noSign}`;
  const shown = testNames
    .filter((name) => isRequired(evidence, name, settings))
    .map((name) => sentence(evidence, name, lastStage(settings)));
  return `shown to be no worse: ${shown.join('; ')}`;
}

function waitReason(stage: Stage, evidence: Evidence, settings: GateSettings): string {
  const { minMs, share, answers, isLast } = describe(stage, evidence, settings);
  const waits: string[] = [];
  if (stage.state === 'shadow') {
    const { minPairs } = settings.shadow;
    const missing = minPairs - evidence.shadow.pairs;
    if (missing > 0) waits.push(`${counted(missing, 'more pair')} of ${thousands(minPairs)}`);
  }
  if (stage.ageMs < minMs) waits.push(duration(minMs - stage.ageMs));
  if (stage.state === 'canary') {
    const missing = settings.canary.minAnswers - answers;
    if (missing > 0) waits.push(`${counted(missing, 'more answer')} of ${thousands(settings.canary.minAnswers)}`);
    if (!isAvailable(evidence, stage.stage, settings))
      waits.push(`room for its requests (${absences(evidence, stage)})`);
    const open = isLast
      ? testNames.filter((name) => isRequired(evidence, name, settings) && !isSafe(evidence, name, settings))
      : [];
    if (open.length > 0) waits.push(waitFor(evidence, open, settings));
  }
  const what = stage.state === 'shadow' ? 'compared in pairs' : `answers ${percent(share)}`;
  return `${what}; needs ${waits.join(' and ')}`;
}

function waitFor(evidence: Evidence, open: readonly TestName[], settings: GateSettings): string {
  const needed = open.map((name) => requestsNeeded(evidence, name, settings));
  const what = `evidence that its ${open.join(' and ')} ${open.length === 1 && open[0] !== 'errors' ? 'is' : 'are'} no worse`;
  if (needed.includes(null)) return `${what}, which it will not give at the rates seen so far`;
  return `${what}, about ${counted(rounded(Math.max(...needed.map((requests) => requests ?? 0))), 'more request')}`;
}

function harmReason({ state }: Stage, evidence: Evidence, name: TestName, settings: GateSettings): string {
  const bound = `the evidence of harm has reached 1/${settings.alpha[name]}`;
  if (state === 'canary') {
    const since = harmfulSince(evidence, name, settings);
    const from = since === 0 ? '' : ` since ${percent(settings.canary.shares[since] ?? 0)}`;
    return `${sentence(evidence, name, since)}${from}; ${bound}`;
  }
  const [candidate, control] = [pairCount(evidence, name, 'shadow'), pairCount(evidence, name, 'control')];
  if (candidate === null || control === null) {
    const { judged, shadow_score: ours, control_score: theirs } = evidence.shadow;
    return `quality: judged ${(ours / judged).toFixed(2)} on average and the other model ${(theirs / judged).toFixed(2)}, in ${counted(judged, 'pair')}; ${bound}`;
  }
  return `${comparison(name, candidate, control)}; ${bound}`;
}

function sentence(evidence: Evidence, name: TestName, fromStage: number): string {
  return comparison(
    name,
    canaryCount(evidence, name, 'canary', fromStage),
    canaryCount(evidence, name, 'control', fromStage),
  );
}

function absences(evidence: Evidence, { stage }: Stage): string {
  return comparison(
    'unavailable',
    unavailableCount(evidence, 'canary', stage),
    unavailableCount(evidence, 'control', stage),
  );
}

function comparison(name: TestName | 'unavailable', candidate: BadCount, control: BadCount): string {
  const share = ({ bad, of }: BadCount): string =>
    `${thousands(bad)} of ${thousands(of)} (${of === 0 ? '-' : percent(bad / of)})`;
  return `${name}: ${share(candidate)} against ${share(control)}`;
}

/** An estimate to two digits, for it knows no more. */
function rounded(requests: number): number {
  return Number(requests.toPrecision(2));
}

function thousands(value: number): string {
  return value.toLocaleString('en-US');
}

function counted(count: number, noun: string): string {
  return `${thousands(count)} ${noun}${count === 1 ? '' : 's'}`;
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))}%`;
}

function duration(ms: number): string {
  if (ms < 60_000) return counted(Math.ceil(ms / 1000), 'second');
  if (ms < 3_600_000) return counted(Math.ceil(ms / 60_000), 'minute');
  return counted(Math.ceil(ms / 3_600_000), 'hour');
}
