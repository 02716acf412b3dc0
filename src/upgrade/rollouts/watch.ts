import { z } from 'zod';
import type { Executor } from '../../platform/postgres/pool.ts';
import { findAlarmAfter, type Incident } from '../../platform/store/incidents.ts';
import { lockRollout, type Rollout } from '../../platform/store/rollouts.ts';
import { evidenceSchema } from '../gate/evidence.ts';
import { applyEvent, applyRollbackProposal, planEvent, type Step } from './apply-event.ts';
import type { RolloutSettings } from './settings.ts';

const actor = 'upgrade';

/**
 * Looks after a promotion: where the learner has raised the alarm about its model within the time of the watch, it is rolled
 * back (mode `auto`), or that is proposed (mode `approve`), until the incident is closed. All in the transaction of `db`, which
 * holds the lock of the rollouts. Null where nothing has to be done.
 *
 * @throws SignalboxError `conflict` where it cannot be rolled back: the model before it has gone, or another has come after.
 */
export async function watch(
  db: Executor,
  rolloutId: string,
  { mode, plan, watchHours }: RolloutSettings,
): Promise<{ rollout: Rollout; step: Step; reason: string } | null> {
  const rollout = await lockRollout(db, rolloutId);
  if (rollout?.state !== 'promoted') return null;
  const evidence = evidenceSchema.parse(rollout.evidence);
  const incident = await findAlarmAfter(db, rolloutId, watchHours);
  if (incident === undefined) {
    if (rollout.rollbackIncidentId === null) return null;
    const reason = 'the incident was closed: it stays';
    return { rollout, reason, step: await applyRollbackProposal(db, rollout, null, { actor, reason }, evidence) };
  }
  const found = wordsOf(incident);
  if (mode === 'auto') {
    return {
      rollout,
      reason: found,
      step: await applyEvent(db, rollout, 'rollback', { actor, reason: found }, evidence, plan),
    };
  }
  if (rollout.rollbackIncidentId === incident.incidentId) return null;
  // What cannot be done is not proposed.
  await planEvent(db, rollout, 'rollback', plan);
  const reason = `${found}: to be rolled back, or the incident to be closed`;
  const step = await applyRollbackProposal(db, rollout, incident.incidentId, { actor, reason }, evidence);
  return { rollout, step, reason };
}

const ratesSchema = z.object({ success_rate_before: z.number(), success_rate_after: z.number() });

function wordsOf({ incidentId, complexity, detail }: Incident): string {
  const rates = ratesSchema.safeParse(detail);
  const percent = (rate: number): string => `${Math.round(rate * 100)}%`;
  const seen = rates.success
    ? `, from ${percent(rates.data.success_rate_before)} to ${percent(rates.data.success_rate_after)} successes`
    : '';
  return `after the promotion it became worse in ${complexity} requests${seen} (incident ${incidentId})`;
}
