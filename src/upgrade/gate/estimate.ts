import { badEventsToDecision } from '../../statistics/label-test.ts';
import { armTotals, type Evidence } from './evidence.ts';
import {
  type BadCount,
  canaryCount,
  type GateSettings,
  intervalOf,
  isRequired,
  isSafe,
  logSafety,
  type TestName,
} from './tests.ts';

/** Bad events that are thought to have been seen of each arm, at equal rates, so that a few real ones do not say too much. */
const imaginedBad = 10;
/** Fewer bad events than these do not say that a candidate is worse than allowed. */
const tellingBad = 20;
/** Of slow answers: what the control's own are, by definition. Also of bad ones, of which nothing else is known. */
const assumedRate = 0.1;
/** More than this is never. */
const mostRequests = 1e9;

/**
 * About how many more requests, of both arms together, a test needs until it allows a promotion, at the rates observed so
 * far and the share of the last stage. 0 where it does already or is not waited for, null where it never will at these rates.
 */
export function requestsNeeded(evidence: Evidence, name: TestName, settings: GateSettings): number | null {
  if (!isRequired(evidence, name) || isSafe(evidence, name, settings)) return 0;
  const ways = [byLabels(evidence, name, settings)];
  if (name === 'errors') ways.push(byErrorRate(evidence, settings));
  const requests = Math.min(...ways);
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
  const missing = Math.log(1 / settings.beta) - logSafety(evidence, name, settings.canary.margin);
  const badEvents = badEventsToDecision(
    Math.min(ratio, 1 + settings.canary.margin / 2),
    allowed,
    share,
    Math.exp(-missing),
  );
  // By requests and not by those that were judged or timed: it is requests that one waits for.
  const requests = armTotals(evidence, 'canary').requests + armTotals(evidence, 'control').requests;
  const assumed = name === 'errors' ? settings.canary.acceptableErrorRate : assumedRate;
  const perRequest = requests === 0 ? assumed : (canary.bad + control.bad + assumed) / (requests + 1);
  return badEvents / perRequest;
}

/** The canary's rate as a multiple of the control's, drawn to 1 while there is little to tell. */
function ratioOf(canary: BadCount, control: BadCount): number {
  const pooled = (canary.bad + control.bad + 1) / (canary.of + control.of + 1 / assumedRate);
  const rate = ({ bad, of }: BadCount): number => (bad + imaginedBad) / (of + imaginedBad / pooled);
  return rate(canary) / rate(control);
}

/** By the upper end of the interval of the canary's errors. */
function byErrorRate(evidence: Evidence, settings: GateSettings): number {
  const { acceptableErrorRate } = settings.canary;
  const { bad, of } = canaryCount(evidence, 'errors', 'canary');
  const rate = (bad + 0.5) / (of + 1);
  const isEnough = (more: number): boolean =>
    intervalOf({ bad: bad + (of === 0 ? 0 : rate * more), of: of + more }, settings.beta)[1] < acceptableErrorRate;
  if (of > 0 && rate >= acceptableErrorRate) return Infinity;
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
  return enough / lastShare(settings);
}
