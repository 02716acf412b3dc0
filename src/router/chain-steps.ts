import type { Decision, DecisionStep } from './decide.ts';
import type { ActiveRollout } from './select/rollout.ts';
import type { Snapshot } from './snapshot/snapshot.ts';
import type { ChainStep } from './upstream/chain.ts';

/** A model of a decision as the chain calls it; one that a rollout tries only while the rollout says so. */
export function toChainStep(step: DecisionStep, decision: Decision, currentSnapshot: () => Snapshot): ChainStep {
  const chainStep = { modelId: step.modelId, provider: step.provider };
  if (step !== decision.chain[0]) return chainStep;
  if (decision.rollout?.arm === 'shadow') {
    return { ...chainStep, mayBeCalled: () => isStillIn('shadow', decision, currentSnapshot()) };
  }
  if (decision.origin !== 'canary') return chainStep;
  return { ...chainStep, trial: { isActive: () => isStillIn('canary', decision, currentSnapshot()) } };
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
