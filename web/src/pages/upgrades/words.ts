import type { Evaluation, RolloutTest, UpgradeAction } from '../../../../src/contracts/upgrade-api.ts';
import type { RolloutState } from '../../../../src/contracts/rollout.ts';
import { count, plural } from '../../format/numbers.ts';

export const actionWords: Record<UpgradeAction, { label: string; effect: string; isDangerous: boolean }> = {
  approve: { label: 'Approve', effect: 'It begins to be tried.', isDangerous: false },
  advance: {
    label: 'Advance',
    effect: 'It goes on from copies to the first share of the traffic, however few copies were compared.',
    isDangerous: true,
  },
  promote: {
    label: 'Promote',
    effect: 'It gets all the traffic of the model that it replaces now, whatever the evidence says.',
    isDangerous: true,
  },
  rollback: {
    label: 'Roll back',
    effect: 'Its traffic is taken away, and what it replaced is put back.',
    isDangerous: true,
  },
  hold: { label: 'Hold', effect: 'It does not advance any more. Harm still ends it.', isDangerous: false },
  resume: { label: 'Resume', effect: 'It may advance again.', isDangerous: false },
  dismiss: { label: 'Dismiss', effect: 'It is not tried and not proposed again.', isDangerous: false },
  retry: { label: 'Try again', effect: 'It is proposed again, as a rollout of its own.', isDangerous: false },
};

const actionsOf: Record<RolloutState, readonly UpgradeAction[]> = {
  proposed: ['approve', 'promote', 'dismiss'],
  shadow: ['advance', 'hold', 'promote', 'rollback'],
  canary: ['hold', 'promote', 'rollback'],
  promoted: ['rollback'],
  rolled_back: ['retry', 'dismiss'],
  dismissed: ['retry'],
  withdrawn: ['retry', 'dismiss'],
};

/** What an operator may do with a rollout where it is. */
export function actionsFor({ state, held }: Evaluation): readonly UpgradeAction[] {
  const actions = actionsOf[state];
  if (!held) return actions;
  return actions.flatMap((action) => (action === 'hold' ? ['resume'] : action === 'advance' ? [] : [action]));
}

/** How much is missing until a rollout may go on. */
export function neededWords({ state, evidence }: Evaluation): string {
  if (state === 'shadow') return plural(evidence.pairs_needed, 'more copy', 'more copies');
  if (state !== 'canary') return '–';
  return evidence.requests_needed === null
    ? 'not at these rates'
    : evidence.requests_needed === 0
      ? 'enough'
      : `about ${count(Number(evidence.requests_needed.toPrecision(2)))}`;
}

export function testNeededWords(
  { is_required: isRequired, is_safe: isSafe, requests_needed: needed, candidate }: RolloutTest,
  state: RolloutState,
): string {
  if (state !== 'canary') return '–';
  if (!isRequired) return candidate.of === 0 ? 'not judged' : 'too few judged';
  if (isSafe) return 'enough';
  return needed === null ? 'never at these rates' : `about ${count(Number(needed.toPrecision(2)))}`;
}
