import { SignalboxError } from '../platform/core/errors.ts';
import type { Decision, DecisionStep } from './decide.ts';
import type { ActiveRollout } from './select/rollout.ts';
import type { Snapshot } from './snapshot/snapshot.ts';
import type { SnapshotService } from './snapshot/snapshot-service.ts';
import type { ChainStep } from './upstream/chain.ts';

/**
 * A model of a decision as the chain calls it; one that a rollout tries only while the rollout says so.
 *
 * @throws SignalboxError `internal` for a provider that is not configured.
 */
export function toChainStep(step: DecisionStep, decision: Decision, snapshots: SnapshotService): ChainStep {
  const provider = snapshots.current().providers.get(step.providerName);
  if (provider === undefined) throw new SignalboxError('internal', `provider ${step.providerName} is not configured`);
  const chainStep = { modelId: step.modelId, provider };
  if (step !== decision.chain[0]) return chainStep;
  if (decision.rollout?.arm === 'shadow') {
    return { ...chainStep, mayBeCalled: () => isStillIn('shadow', decision, snapshots.current()) };
  }
  if (decision.origin !== 'canary') return chainStep;
  return { ...chainStep, trial: { isActive: () => isStillIn('canary', decision, snapshots.current()) } };
}

/** Whether the rollout of a decision still sends its candidate what it did when that was decided. */
function isStillIn(wanted: ActiveRollout['state'], { rollout }: Decision, { rolloutsByControl }: Snapshot): boolean {
  for (const { rolloutId, state } of rolloutsByControl.values()) {
    if (rolloutId === rollout?.rollout_id) return state === wanted;
  }
  return false;
}

/** The model of a decision that a call of the chain was to. */
export function findStep(decision: Decision, wanted: ChainStep): DecisionStep {
  const step = decision.chain.find(
    (candidate) => candidate.modelId === wanted.modelId && candidate.providerName === wanted.provider.name,
  );
  return step ?? decision.chain[0];
}
