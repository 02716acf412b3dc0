import type { Executor } from '../../platform/postgres/pool.ts';
import {
  deleteAllObservations,
  deleteObservations,
  type QueuedObservation,
  readObservations,
} from '../../platform/store/rollout-observations.ts';
import { findRolloutUnits, insertRolloutUnits } from '../../platform/store/rollout-units.ts';
import { lockRollout, type Rollout, updateRolloutEvidence } from '../../platform/store/rollouts.ts';
import { type Evidence, evidenceSchema, type Observation, observationSchema } from '../gate/evidence.ts';
import { type CountedUnit, foldOnce } from '../gate/fold.ts';
import { decide, judge, type Verdict } from '../gate/gate.ts';
import { isUnderWay, type RolloutEvent, shareAt } from '../machine/machine.ts';
import { applyEvent, applyShare, type Step } from './apply-event.ts';
import { whyUntriable } from './model-statuses.ts';
import type { RolloutSettings } from './settings.ts';

/** What one round did for one rollout. */
export interface TakenIn {
  rollout: Rollout | null;
  step: Step | null;
  reason: string;
  /** Observations taken, and of these those that were none. */
  taken: number;
  broken: number;
  /** Whether more observations may wait. */
  hasMore: boolean;
}

/** Observations of one transaction. */
export const batchSize = 500;
const actor = 'upgrade';

/**
 * Takes the oldest observations of a rollout into its evidence, one after another, and asks the gate after each; takes the
 * step that follows, which ends the round. Evidence, step and the deletion of the observations are one transaction, that of
 * `db`, which holds the lock of the rollouts: whenever the process ends, all of them are done or none is. Of a rollout that
 * is not under way, or unknown, observations are dropped; so are those that come after the one that ended it. Where the
 * configuration has another share for its stage than it has, the share is all that changes in the round.
 */
export async function takeIn(db: Executor, rolloutId: string, settings: RolloutSettings): Promise<TakenIn> {
  const rollout = await lockRollout(db, rolloutId);
  if (rollout === undefined || !isUnderWay(rollout.state)) {
    const taken = await deleteAllObservations(db, rolloutId);
    return { rollout: null, step: null, reason: 'nothing is being tried', taken, broken: 0, hasMore: false };
  }
  const gone = await whyUntriable(db, rollout);
  const before = evidenceSchema.parse(rollout.evidence);
  // Nothing was found against the candidate: without a fingerprint it may be proposed again as it is.
  if (gone !== null) return end(db, { ...rollout, fingerprint: '' }, 'rollback', gone, before, settings);
  if (shareAt(rollout, settings.plan) !== rollout.share) {
    const reason = 'the configuration has changed';
    const step = await applyShare(db, rollout, { actor, reason }, before, settings.plan);
    return { rollout, step, reason, taken: 0, broken: 0, hasMore: true };
  }

  const queued = await readObservations(db, rolloutId, batchSize);
  const units = await findRolloutUnits(db, rolloutId, [
    ...new Set(queued.flatMap(({ unit }) => (unit === null ? [] : [unit]))),
  ]);
  const { evidence, verdict, used, broken, counted } = foldAll(rollout, before, queued, units, settings);
  await insertRolloutUnits(db, rolloutId, counted);
  if (verdict.event === 'harm') return end(db, rollout, 'harm', verdict.reason, evidence, settings, broken);
  // A held rollout is judged as any other, so that its numbers go on, and does not move.
  const event = rollout.held ? null : verdict.event;
  const step =
    event === null
      ? null
      : await applyEvent(db, rollout, event, { actor, reason: verdict.reason }, evidence, settings.plan);
  if (step === null && used > 0) {
    await updateRolloutEvidence(db, { rolloutId, evidence, reason: verdict.reason });
  }
  if (used > 0) {
    await deleteObservations(
      db,
      queued.slice(0, used).map(({ id }) => id),
    );
  }
  const hasMore = used < queued.length || queued.length === batchSize;
  return { rollout, step, reason: verdict.reason, taken: used, broken, hasMore };
}

async function end(
  db: Executor,
  rollout: Rollout,
  event: RolloutEvent,
  reason: string,
  evidence: Evidence,
  { plan }: RolloutSettings,
  broken = 0,
): Promise<TakenIn> {
  const step = await applyEvent(db, rollout, event, { actor, reason }, evidence, plan);
  const taken = await deleteAllObservations(db, rollout.rolloutId);
  return { rollout, step, reason, taken, broken, hasMore: false };
}

/** Up to the first observation after which something has to happen, or to the last. */
function foldAll(
  { state, stage, share, ageMs, held }: Rollout,
  before: Evidence,
  queued: readonly QueuedObservation[],
  units: ReadonlyArray<{ test: string; unit: string }>,
  { gate }: RolloutSettings,
): { evidence: Evidence; verdict: Verdict; used: number; broken: number; counted: CountedUnit[] } {
  const at = { state, stage, ageMs };
  const keyOf = (test: string, unit: string): string => `${test} ${unit}`;
  const known = new Set(units.map(({ test, unit }) => keyOf(test, unit)));
  const counted: CountedUnit[] = [];
  let evidence = before;
  let broken = 0;
  for (const [index, row] of queued.entries()) {
    const parsed = observationSchema.safeParse(toObservation(row));
    if (parsed.success) {
      const folded = foldOnce(evidence, parsed.data, { state, stage, share }, (test, unit) =>
        known.has(keyOf(test, unit)),
      );
      evidence = folded.evidence;
      for (const { test, unit } of folded.counted) known.add(keyOf(test, unit));
      counted.push(...folded.counted);
    } else broken += 1;
    const decision = decide(at, evidence, gate);
    if (decision?.event === 'harm' || (decision?.event === 'advance' && !held)) {
      return { evidence, verdict: judge(at, evidence, gate), used: index + 1, broken, counted };
    }
  }
  return { evidence, verdict: judge(at, evidence, gate), used: queued.length, broken, counted };
}

/** As it is; whether it makes sense is for the schema to say. */
function toObservation({ kind, pair, unit, ...answer }: QueuedObservation): unknown {
  return kind === 'pair'
    ? ({ kind, pair, unit } satisfies Record<keyof Extract<Observation, { kind: 'pair' }>, unknown>)
    : { kind, unit, ...answer };
}
