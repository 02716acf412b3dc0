import { modelKey, type Model } from '../../contracts/index.ts';
import { uuidv7 } from '../../platform/core/ids.ts';
import { createLoop, type Loop } from '../../platform/core/loop.ts';
import type { Live } from '../../platform/core/live.ts';
import { withAdvisoryLock } from '../../platform/postgres/advisory-lock.ts';
import type { Executor, Pool } from '../../platform/postgres/pool.ts';
import { listKnownModels, listOfferedModels } from '../../platform/store/models.ts';
import { appendRolloutLog } from '../../platform/store/rollout-log.ts';
import { findLatestRollouts, insertRollout, listProposals, lockRollout } from '../../platform/store/rollouts.ts';
import {
  listDiscoveredCandidates,
  updateCandidateOpinion,
  type UpgradeCandidate,
} from '../../platform/store/upgrade-candidates.ts';
import type { Logger } from '../../platform/telemetry/logger.ts';
import { fingerprintOf } from '../discover/fingerprint.ts';
import { describeChange, type Opinion, proposeFor } from '../discover/propose.ts';
import { evidenceSchema, noEvidence } from '../gate/evidence.ts';
import { applyEvent, auditUpgrade, type Step, type Word } from './apply-event.ts';
import type { RolloutMetrics } from './metrics.ts';
import { nameOf, whyVoid } from './model-statuses.ts';
import { rolloutsLock } from './rollouts-lock.ts';
import type { RolloutSettings } from './settings.ts';

const intervalMs = 30_000;

export interface Proposer {
  /** For models that discovery saw before the catalogue had them. */
  loop: Loop;
  /** Proposes what there is to propose now. Answers how many. */
  propose(): Promise<number>;
}

/**
 * Proposes rollouts of discovered models. Each is proposed once; again only where it was rolled back and is not the same any
 * more, or where its proposal was withdrawn. One that was dismissed, or that replaces nothing, keeps its place among the
 * candidates with the reason.
 *
 * A proposal is withdrawn where one of its models has gone, or what it would replace is not stable any more; in the same
 * transaction its model is proposed in the place of what is, if there is such.
 */
export function createProposer(options: {
  pool: Pool;
  settings: Live<RolloutSettings>;
  log: Logger;
  metrics: RolloutMetrics;
  onProposed(): void;
}): Proposer {
  const { pool, settings, log, metrics, onProposed } = options;

  async function propose(): Promise<number> {
    if (settings().mode === 'off') return 0;
    const candidates = await listDiscoveredCandidates(pool);
    if (candidates.length === 0 && (await listProposals(pool)).length === 0) return 0;
    const { withdrawn, proposed } = await withAdvisoryLock(pool, rolloutsLock, async (db) => ({
      withdrawn: await withdrawVoid(db, settings()),
      proposed: await proposeAll(db, candidates),
    }));
    for (const { step, model, reason } of withdrawn) {
      metrics.stepped(step);
      log.info({ model, reason }, 'a proposal is withdrawn');
    }
    for (const key of proposed) log.info({ model: key }, 'a rollout is proposed');
    if (proposed.length > 0) onProposed();
    return proposed.length;
  }

  async function runOnce(): Promise<void> {
    await propose();
  }
  return { loop: createLoop({ name: 'proposals', intervalMs, runOnce, log, failures: metrics.failures }), propose };
}

async function withdrawVoid(
  db: Executor,
  { plan }: RolloutSettings,
): Promise<Array<{ step: Step; model: string; reason: string }>> {
  const withdrawn = [];
  for (const id of await listProposals(db)) {
    const rollout = await lockRollout(db, id);
    const reason = rollout === undefined ? null : await whyVoid(db, rollout);
    if (rollout === undefined || reason === null) continue;
    const evidence = evidenceSchema.parse(rollout.evidence);
    const word = { actor: 'upgrade', reason };
    // Nothing was found against the candidate: without a fingerprint it may be proposed again as it is.
    const step = await applyEvent(db, { ...rollout, fingerprint: '' }, 'withdraw', word, evidence, plan);
    withdrawn.push({ step, model: nameOf(rollout), reason });
  }
  return withdrawn;
}

async function proposeAll(db: Executor, candidates: readonly UpgradeCandidate[]): Promise<string[]> {
  const models = await listOfferedModels(db);
  const byKey = new Map(models.map((model) => [modelKey(model), model]));
  const latest = await findLatestRollouts(db, candidates);
  const since = await listedSince(db, candidates);
  const proposed: string[] = [];
  for (const candidate of candidates) {
    const key = `${candidate.provider}/${candidate.modelId}`;
    const model = byKey.get(key);
    // Not in the catalogue yet, or in use as it is.
    if (model === undefined || (model.status !== 'candidate' && model.status !== 'preview')) continue;
    const before = latest.get(key);
    if (before !== undefined && before.state !== 'rolled_back' && before.state !== 'withdrawn') continue;
    const fingerprint = fingerprintOf(model, since.get(key) ?? new Date(0));
    if (before?.fingerprint === fingerprint) continue;
    const opinion = proposeFor(model, models);
    await updateCandidateOpinion(db, candidate.id, opinion.control?.model_id ?? null, opinion.reason);
    if (opinion.control === null || !opinion.isProposed || model.status !== 'candidate') continue;
    const origin = { previousId: before?.rolloutId ?? null, event: 'propose' } as const;
    const word = { actor: 'upgrade', reason: opinion.reason };
    const id = await insertProposal(db, model, opinion.control, opinion, fingerprint, origin, word);
    if (id !== null) proposed.push(key);
  }
  return proposed;
}

/** Since when the catalogue has each model, by its key. */
export async function listedSince(
  db: Executor,
  candidates: ReadonlyArray<{ provider: string }>,
): Promise<Map<string, Date>> {
  const known = await listKnownModels(db, [...new Set(candidates.map(({ provider }) => provider))]);
  return new Map(known.map((model) => [`${model.provider}/${model.modelId}`, model.createdAt]));
}

/** Where a proposal comes from: the try before it, if any, and the word of the log for its beginning. */
export interface ProposalOrigin {
  previousId: string | null;
  event: 'propose' | 'retry';
}

/** Writes a proposal and the first line of its log. Null where the candidate has a rollout that is not over. */
export async function insertProposal(
  db: Executor,
  model: Model,
  control: Model,
  opinion: Pick<Opinion, 'relation' | 'automatic'>,
  fingerprint: string,
  { previousId, event }: ProposalOrigin,
  word: Word,
): Promise<string | null> {
  const { actor, reason } = word;
  const proposal = describeChange(model, control, opinion);
  const rolloutId = uuidv7();
  const isNew = await insertRollout(db, {
    rolloutId,
    previousId,
    provider: model.provider,
    modelId: model.model_id,
    controlProvider: control.provider,
    controlModelId: control.model_id,
    reason,
    proposal,
    fingerprint,
    evidence: noEvidence,
  });
  if (!isNew) return null;
  await appendRolloutLog(db, rolloutId, {
    event,
    fromState: null,
    toState: 'proposed',
    fromStage: null,
    toStage: 0,
    actor,
    reason: `${reason}; ${proposal.summary}`,
    evidence: {},
  });
  const after = { rollout_id: rolloutId, state: 'proposed', control: modelKey(control), reason };
  await auditUpgrade(db, event, modelKey(model), word, null, after);
  return rolloutId;
}
