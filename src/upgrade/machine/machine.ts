import type { RolloutState } from '../../contracts/rollout.ts';

/**
 * What can happen to a rollout. `harm` is a word of the gate, `withdraw` one of the service, `advance` the gate's and, out of
 * `shadow`, an operator's; the others are an operator's, or, in the mode `auto`, the service's own. Another try is no event:
 * it is a rollout of its own.
 */
export const rolloutEvents = [
  'approve',
  'advance',
  'harm',
  'promote',
  'rollback',
  'dismiss',
  'withdraw',
  'hold',
  'resume',
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
const notProposed = refuse('it does not wait for approval');
const underWay = {
  approve: refuse('it was approved already'),
  harm: to('rolled_back'),
  promote: to('promoted'),
  rollback: to('rolled_back'),
  dismiss: refuse('it is being tried; roll it back instead'),
  withdraw: refuse('it is being tried; roll it back instead'),
  hold,
  resume,
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
    withdraw: to('withdrawn'),
    hold: refuse('it waits for approval and advances by nothing else'),
    resume: refuse('it is not held'),
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
    withdraw: notProposed,
    hold: notUnderWay,
    resume: notUnderWay,
  },
  rolled_back: {
    approve: refuse('it was rolled back; retry it first'),
    advance: notUnderWay,
    harm: notUnderWay,
    promote: refuse('it was rolled back; retry it first'),
    rollback: refuse('it was rolled back already'),
    dismiss: to('dismissed'),
    withdraw: notProposed,
    hold: notUnderWay,
    resume: notUnderWay,
  },
  dismissed: {
    approve: refuse('it was dismissed; retry it first'),
    advance: notUnderWay,
    harm: notUnderWay,
    promote: refuse('it was dismissed; retry it first'),
    rollback: refuse('it was dismissed and nothing of it is in use'),
    dismiss: refuse('it was dismissed already'),
    withdraw: notProposed,
    hold: notUnderWay,
    resume: notUnderWay,
  },
  withdrawn: {
    approve: refuse('it was withdrawn; retry it first'),
    advance: notUnderWay,
    harm: notUnderWay,
    promote: refuse('it was withdrawn; retry it first'),
    rollback: refuse('it was withdrawn and nothing of it is in use'),
    dismiss: to('dismissed'),
    withdraw: refuse('it was withdrawn already'),
    hold: notUnderWay,
    resume: notUnderWay,
  },
};

/**
 * Where `event` leads from `from`, or why it leads nowhere. Pure and total. A stage beyond the plan, whose stages have
 * become fewer meanwhile, counts as the last one.
 */
export function transition(from: Position, event: RolloutEvent, plan: Plan): Transition {
  return table[from.state][event](from, plan);
}

/** Why a model in this state is not tried once more; null: it may be. */
export function whyNotTriedAgain(state: RolloutState): string | null {
  if (state === 'proposed') return 'it waits for approval; approve it';
  if (state === 'promoted') return 'it was promoted; roll it back first';
  return isUnderWay(state) ? 'it is being tried' : null;
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
