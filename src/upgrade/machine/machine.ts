import type { RolloutState } from '../../contracts/rollout.ts';

/**
 * What can happen to a rollout. `advance` and `harm` are words of the gate; the others are an operator's, or, in the mode
 * `auto`, the service's own.
 */
export const rolloutEvents = [
  'approve',
  'advance',
  'harm',
  'promote',
  'rollback',
  'dismiss',
  'hold',
  'resume',
  'retry',
] as const;
export type RolloutEvent = (typeof rolloutEvents)[number];

/** Where a rollout is. */
export interface Position {
  state: RolloutState;
  /** Of a canary: which of its shares, from 0; in every other state 0. */
  stage: number;
  /** It does not advance; harm still ends it. Only in `shadow` and `canary`. */
  held: boolean;
}

/** How much of the traffic each state sends to the candidate. */
export interface Plan {
  /** Share of requests that are copied, in [0, 1]; 0 leaves the state `shadow` out. */
  shadowShare: number;
  /** Shares of the stages of a canary, each in (0, 1]; at least one. */
  canaryShares: readonly number[];
}

export type Transition = { ok: true; to: Position } | { ok: false; reason: string };
type Rule = (from: Position, plan: Plan) => Transition;

const go = (state: RolloutState, stage = 0): Transition => ({ ok: true, to: { state, stage, held: false } });
const to =
  (state: RolloutState): Rule =>
  () =>
    go(state);
const refuse =
  (reason: string): Rule =>
  () => ({ ok: false, reason });

const begin: Rule = (_from, { shadowShare }) => go(shadowShare > 0 ? 'shadow' : 'canary');
const hold: Rule = (from) =>
  from.held ? { ok: false, reason: 'it is held already' } : { ok: true, to: { ...from, held: true } };
const resume: Rule = (from) =>
  from.held ? { ok: true, to: { ...from, held: false } } : { ok: false, reason: 'it is not held' };

const advance =
  (next: Rule): Rule =>
  (from, plan) =>
    from.held ? { ok: false, reason: 'it is held; resume it first' } : next(from, plan);
const nextStage: Rule = ({ stage }, { canaryShares }) =>
  stage + 1 < canaryShares.length ? go('canary', stage + 1) : go('promoted');

const notUnderWay = refuse('it is not being tried');
const underWay = {
  approve: refuse('it was approved already'),
  harm: to('rolled_back'),
  promote: to('promoted'),
  rollback: to('rolled_back'),
  dismiss: refuse('it is being tried; roll it back instead'),
  hold,
  resume,
  retry: refuse('it is being tried'),
} satisfies Partial<Record<RolloutEvent, Rule>>;

/** What each event means in each state: a step or a refusal, none left out. */
const table: Record<RolloutState, Record<RolloutEvent, Rule>> = {
  proposed: {
    approve: begin,
    advance: refuse('it waits for approval'),
    harm: notUnderWay,
    promote: to('promoted'),
    rollback: refuse('nothing of it is in use yet; dismiss it instead'),
    dismiss: to('dismissed'),
    hold: refuse('it waits for approval and advances by nothing else'),
    resume: refuse('it is not held'),
    retry: refuse('it waits for approval; approve it'),
  },
  shadow: { ...underWay, advance: advance(to('canary')) },
  canary: { ...underWay, advance: advance(nextStage) },
  promoted: {
    approve: refuse('it has all the traffic already'),
    advance: refuse('it has all the traffic already'),
    harm: notUnderWay,
    promote: refuse('it was promoted already'),
    rollback: to('rolled_back'),
    dismiss: refuse('it was promoted; roll it back instead'),
    hold: notUnderWay,
    resume: notUnderWay,
    retry: refuse('it was promoted; roll it back first'),
  },
  rolled_back: {
    approve: refuse('it was rolled back; retry it first'),
    advance: notUnderWay,
    harm: notUnderWay,
    promote: refuse('it was rolled back; retry it first'),
    rollback: refuse('it was rolled back already'),
    dismiss: to('dismissed'),
    hold: notUnderWay,
    resume: notUnderWay,
    retry: to('proposed'),
  },
  dismissed: {
    approve: refuse('it was dismissed; retry it first'),
    advance: notUnderWay,
    harm: notUnderWay,
    promote: refuse('it was dismissed; retry it first'),
    rollback: refuse('it was dismissed and nothing of it is in use'),
    dismiss: refuse('it was dismissed already'),
    hold: notUnderWay,
    resume: notUnderWay,
    retry: to('proposed'),
  },
};

/**
 * Where `event` leads from `from`, or why it leads nowhere. Pure and total. A stage beyond the plan, whose stages have
 * become fewer meanwhile, counts as the last one.
 */
export function transition(from: Position, event: RolloutEvent, plan: Plan): Transition {
  return table[from.state][event](from, plan);
}

/** The share of requests that routers copy or let the candidate answer there, in [0, 1]. */
export function shareAt({ state, stage }: Position, { shadowShare, canaryShares }: Plan): number {
  if (state === 'shadow') return shadowShare;
  if (state === 'promoted') return 1;
  return state === 'canary' ? (canaryShares[Math.min(stage, canaryShares.length - 1)] ?? 0) : 0;
}

/** Whether routers act on the rollout and the gate judges it. */
export function isUnderWay(state: RolloutState): boolean {
  return state === 'shadow' || state === 'canary';
}
