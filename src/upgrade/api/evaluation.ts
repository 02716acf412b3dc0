import type { Counted, Evaluation, RolloutTest } from '../../contracts/upgrade-api.ts';
import type { Rollout } from '../../platform/store/rollouts.ts';
import { requestsNeeded } from '../gate/estimate.ts';
import {
  armTotals,
  type ArmEvidence,
  type Evidence,
  evidenceSchema,
  testNames,
  type TestName,
} from '../gate/evidence.ts';
import { judge } from '../gate/gate.ts';
import {
  type BadCount,
  canaryCount,
  harmBound,
  intervalOf,
  isRequired,
  isSafe,
  logHarm,
  logSafety,
  pairCount,
  safetyBound,
} from '../gate/tests.ts';
import { isUnderWay } from '../machine/machine.ts';
import { proposalSchema } from '../rollouts/proposal.ts';
import type { RolloutSettings } from '../rollouts/settings.ts';

/** Of the intervals that are shown; the tests have their own levels. */
const shownLevel = 0.05;
const msPerHour = 3_600_000;

/** A rollout as the API shows it. */
export function toEvaluation(rollout: Rollout, settings: RolloutSettings): Evaluation {
  const { state, stage, ageMs } = rollout;
  const evidence = evidenceSchema.parse(rollout.evidence);
  const { relation, automatic, changes, capabilities_gained, capabilities_lost, summary } = proposalSchema.parse(
    rollout.proposal,
  );
  const tests = testNames.map((name) => toTest(evidence, name, settings, isUnderWay(state)));
  const needed = tests.map((test) => test.requests_needed);
  const { shadow } = evidence;
  const [candidate, control] = [armTotals(evidence, 'canary'), armTotals(evidence, 'control')];
  return {
    rollout_id: rollout.rolloutId,
    previous_id: rollout.previousId,
    candidate: { provider: rollout.provider, model_id: rollout.modelId },
    control: { provider: rollout.controlProvider, model_id: rollout.controlModelId },
    state,
    stage,
    stages: settings.plan.canaryShares.length,
    share: rollout.share,
    held: rollout.held,
    reason: isUnderWay(state) ? judge({ state, stage, ageMs }, evidence, settings.gate).reason : rollout.reason,
    advice: adviceOf(rollout, shadow.pairs, settings),
    watched_until: watchedUntil(rollout, settings),
    rollback_incident_id: rollout.rollbackIncidentId,
    proposal: { relation, automatic, changes, capabilities_gained, capabilities_lost, summary },
    evidence: {
      pairs: shadow.pairs,
      pairs_needed: state === 'shadow' ? Math.max(0, settings.gate.shadow.minPairs - shadow.pairs) : 0,
      judge:
        shadow.judged === 0
          ? null
          : {
              judged: shadow.judged,
              candidate_score: shadow.shadow_score / shadow.judged,
              control_score: shadow.control_score / shadow.judged,
            },
      requests: { candidate: candidate.requests, control: control.requests },
      unavailable: { candidate: candidate.unavailable, control: control.unavailable },
      mean_cost_usd: { candidate: meanCost(candidate), control: meanCost(control) },
      tests,
      requests_needed: needed.includes(null) ? null : Math.max(...needed.map((requests) => requests ?? 0)),
    },
    created_at: rollout.createdAt.toISOString(),
    stage_since: rollout.stageSince.toISOString(),
    updated_at: rollout.updatedAt.toISOString(),
  };
}

/** Where a rollout may stay for good unless somebody does something: what that is. */
function adviceOf(rollout: Rollout, copies: number, { gate }: RolloutSettings): string | null {
  const { state, modelId, controlModelId, held, ageMs, rollbackIncidentId } = rollout;
  if (rollbackIncidentId !== null) {
    return `signalbox upgrade rollback ${modelId} --reason "…", or POST /incidents/${rollbackIncidentId}/close with a reason`;
  }
  const { minPairs } = gate.shadow;
  if (state !== 'shadow' || copies >= minPairs) return null;
  const [minutes, hours] = [Math.floor(ageMs / 60_000), Math.floor(ageMs / msPerHour)];
  return (
    `${copies} of ${minPairs} copies in ${hours < 1 ? `${minutes} minutes` : `${hours} hours`}. Copied are chat completions ` +
    `that auto gives to ${controlModelId}, of keys with may_shadow and, with upgrade.shadow.without_key, of callers without a ` +
    `key; to a model of known price. To go on without: ${held ? 'resume it, then ' : ''}` +
    `signalbox upgrade advance ${modelId} --reason "…"`
  );
}

function watchedUntil({ state, ageMs, stageSince }: Rollout, { mode, watchHours }: RolloutSettings): string | null {
  const watchMs = watchHours * msPerHour;
  if (mode === 'off' || state !== 'promoted' || ageMs >= watchMs) return null;
  return new Date(stageSince.getTime() + watchMs).toISOString();
}

function meanCost({ cost_usd: costUsd, priced }: ArmEvidence): number | null {
  return priced === 0 ? null : costUsd / priced;
}

function toTest(evidence: Evidence, name: TestName, { gate }: RolloutSettings, isOpen: boolean): RolloutTest {
  const [candidatePairs, controlPairs] = [pairCount(evidence, name, 'shadow'), pairCount(evidence, name, 'control')];
  return {
    name,
    harm: { log_evidence: logHarm(evidence, name, gate), bound: harmBound(name, gate) },
    safety: { log_evidence: logSafety(evidence, name, gate), bound: safetyBound(name, gate) },
    is_required: isRequired(evidence, name, gate),
    is_safe: isSafe(evidence, name, gate),
    requests_needed: isOpen ? requestsNeeded(evidence, name, gate) : 0,
    candidate: toCounted(canaryCount(evidence, name, 'canary')),
    control: toCounted(canaryCount(evidence, name, 'control')),
    pairs:
      candidatePairs === null || controlPairs === null
        ? null
        : { candidate: toCounted(candidatePairs), control: toCounted(controlPairs) },
  };
}

function toCounted(count: BadCount): Counted {
  return {
    ...count,
    rate: count.of === 0 ? null : count.bad / count.of,
    interval: intervalOf(count, shownLevel),
  };
}
