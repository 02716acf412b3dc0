import { badEventsToDecision } from '../../statistics/label-test.ts';
import { armTotals, type Evidence, type TestName } from './evidence.ts';
import {
  type BadCount,
  canaryCount,
  type GateSettings,
  independentCount,
  intervalOf,
  isRequired,
  isSafe,
  lastStage,
  logSafety,
  safetyLevel,
} from './tests.ts';

/** Bad events that are thought to have been seen of each arm, at equal rates, so that a few real ones do not say too much. */
const imaginedBad = 10;
/** Fewer bad events than these do not say that a candidate is worse than allowed. */
const tellingBad = 20;
/** Of slow answers: what the control's own are, by definition. Also of those that are judged, where none was yet. */
const assumedRate = 0.1;
/** More than this is never. */
const mostRequests = 1e9;

/**
 * About how many more requests, of both arms together, a test needs until it allows a promotion, at the rates observed so
 * far and the share of the last stage. 0 where it does already or is not waited for, null where it never will at these rates.
 */
export function requestsNeeded(evidence: Evidence, name: TestName, settings: GateSettings): number | null {
  if (!isRequired(evidence, name, settings) || isSafe(evidence, name, settings)) return 0;
  const requests = Math.min(byLabels(evidence, name, settings), byAcceptableRate(evidence, name, settings));
  return requests > mostRequests ? null : Math.max(1, Math.ceil(requests));
}

function lastShare({ canary }: GateSettings): number {
  return canary.shares.at(-1) ?? 0.5;
}

function byLabels(evidence: Evidence, name: TestName, settings: GateSettings): number {
  const allowed = 1 + settings.canary.margin;
  const share = lastShare(settings);
  const [canary, control] = [canaryCount(evidence, name, 'canary'), canaryCount(evidence, name, 'control')];
  const ratio = ratioOf(canary, control);
  if (ratio >= allowed && canary.bad + control.bad >= tellingBad) return Infinity;
  const missing = Math.log(1 / safetyLevel(name, settings)) - logSafety(evidence, name, settings);
  const badEvents = badEventsToDecision(
    Math.min(ratio, 1 + settings.canary.margin / 2),
    allowed,
    share,
    Math.exp(-missing),
  );
  // By requests and not by those that were judged or timed: it is requests that one waits for.
  const arms = (['canary', 'control'] as const).map((arm) => armTotals(evidence, arm));
  const requests = arms.reduce((sum, arm) => sum + arm.requests, 0);
  const counted = arms.reduce((sum, arm) => sum + arm.counted[name], 0);
  const assumed = settings.canary.acceptable[name] ?? assumedRate;
  return badEvents / (requests === 0 ? assumed : (counted + assumed) / (requests + 1));
}

/** The canary's rate as a multiple of the control's, drawn to 1 while there is little to tell. */
function ratioOf(canary: BadCount, control: BadCount): number {
  const pooled = (canary.bad + control.bad + 1) / (canary.of + control.of + 1 / assumedRate);
  const rate = ({ bad, of }: BadCount): number => (bad + imaginedBad) / (of + imaginedBad / pooled);
  return rate(canary) / rate(control);
}

/** By the upper end of the interval of the candidate's rate; Infinity where no rate is good enough by itself. */
function byAcceptableRate(evidence: Evidence, name: TestName, settings: GateSettings): number {
  const acceptable = settings.canary.acceptable[name];
  if (acceptable === null) return Infinity;
  const { bad, of } = independentCount(evidence, name, settings);
  const rate = (bad + 0.5) / (of + 1);
  const level = safetyLevel(name, settings);
  const isEnough = (more: number): boolean =>
    intervalOf({ bad: bad + (of === 0 ? 0 : rate * more), of: of + more }, level)[1] < acceptable;
  if (of > 0 && rate >= acceptable) return Infinity;
  let enough = 1;
  while (!isEnough(enough)) {
    enough *= 2;
    if (enough > mostRequests) return Infinity;
  }
  let tooFew = enough / 2;
  while (enough - tooFew > Math.max(1, 0.01 * enough)) {
    const middle = (enough + tooFew) / 2;
    if (isEnough(middle)) enough = middle;
    else tooFew = middle;
  }
  // Of the candidate's answers only some are judged, and only a part of all that are is one of its own.
  const { requests } = armTotals(evidence, 'canary', lastStage(settings));
  const perRequest = of === 0 || requests === 0 ? (name === 'quality' ? assumedRate : 1) : of / requests;
  return enough / perRequest / lastShare(settings);
}
