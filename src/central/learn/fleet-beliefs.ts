import { type Complexity, complexities } from '../../contracts/query-class.ts';
import { betaMean } from '../../statistics/beta.ts';
import { cusumRates, nextCusum } from '../../statistics/cusum.ts';
import { successRateOf } from '../../statistics/score-scale.ts';
import { type Evidence, type Part, partKinds } from './evidence.ts';
import {
  becomeBetter,
  becomeWorse,
  type Belief,
  betterThreshold,
  forget,
  noBelief,
  observe,
  posteriorOf,
  shake,
  worseThreshold,
} from './posterior.ts';

/** A cell, a (model, complexity), with all that is believed of it. Times are of the moment up to which it forgot. */
export interface Cell {
  model: string;
  complexity: Complexity;
  belief: Belief;
  parts: readonly Part[];
  responseTimes: number;
  responseTimeSumMs: number;
  /** Requests of the complexity that the fleet has answered. */
  clock: number;
  atMs: number;
  /** The score that counts as the catalogue's, where one was put there by hand. */
  baseScore: number | null;
}

/** How fast evidence loses its worth: by half after so many requests of the complexity, or after so long. */
export interface Forgetting {
  halfLifeRequests: number;
  halfLifeMs: number;
}

export type Alarm = 'worse' | 'better';

export interface FleetBeliefs {
  /** Requests of each complexity, from which evidence ages. */
  clocks: ReadonlyMap<Complexity, number>;
  cells: ReadonlyMap<string, Cell>;
}

export interface Learned extends FleetBeliefs {
  /** Keys of the cells that are different now. */
  touched: ReadonlySet<string>;
  alarms: ReadonlyMap<string, Alarm>;
}

/** An instance is suspicious when its own failures are this much more likely under trouble. */
const suspicion = Math.log(20);
/** Values of each kind that a cell tells apart; more are not worth the room. */
const mostValues = 64;
/** Parts with less evidence than this are forgotten. */
const leastEvidence = 0.5;

export function cellKeyOf(model: string, complexity: Complexity): string {
  return `${complexity} ${model}`;
}

/**
 * What is believed after more evidence, in the order in which it came. Pure; `now` is when it is looked at.
 *
 * Each piece of evidence first ages what its cell holds, then is added to it. Where the failures of a cell show that the
 * model has become worse, the belief is begun anew, if enough of the fleet says so: two instances, or as many as carry half
 * of the cell's traffic. Otherwise the trouble is that of the one instance, whose evidence then counts for itself alone
 * until it is well again.
 */
export function learnFrom(
  beliefs: FleetBeliefs,
  evidence: readonly Evidence[],
  options: { catalogueScore(model: string, complexity: Complexity): number; nowMs: number; forgetting: Forgetting },
): Learned {
  const clocks = new Map(beliefs.clocks);
  const cells = new Map(beliefs.cells);
  const touched = new Set<string>();
  const alarms = new Map<string, Alarm>();

  const priorOf = (cell: Cell): number => cell.baseScore ?? options.catalogueScore(cell.model, cell.complexity);

  function write(cell: Cell): void {
    const key = cellKeyOf(cell.model, cell.complexity);
    cells.set(key, cell);
    touched.add(key);
  }

  function raise(cell: Cell, alarm: Alarm): void {
    alarms.set(cellKeyOf(cell.model, cell.complexity), alarm);
  }

  for (const one of evidence) {
    const { model, complexity } = one;
    const clock = (clocks.get(complexity) ?? 0) + one.requests;
    clocks.set(complexity, clock);
    const known = cells.get(cellKeyOf(model, complexity)) ?? newCell(model, complexity, clock, options.nowMs);
    const aged = ageCell(known, clock, options.nowMs, options.forgetting);
    const prior = priorOf(aged);
    const failureRate = 1 - betaMean(posteriorOf(aged.belief, prior));
    const parts = addToParts(aged.parts, one, failureRate);
    const instance = parts.find((part) => part.kind === 'instance' && part.value === one.instanceId);
    if (instance?.isOutlier === true) {
      write({ ...aged, parts });
      continue;
    }
    const cell: Cell = {
      ...aged,
      parts,
      belief: observe(aged.belief, one, prior),
      responseTimes: aged.responseTimes + one.responseTimes,
      responseTimeSumMs: aged.responseTimeSumMs + one.responseTimeSumMs,
    };
    if (cell.belief.worse >= worseThreshold) {
      if (isSharedTrouble(parts)) {
        write({ ...cell, belief: becomeWorse(cell.belief, prior), parts: keepOutliers(parts) });
        raise(cell, 'worse');
      } else {
        const troubled = becomeWorse(cell.belief, prior);
        const { successes, failures } = troubled;
        const apart = parts.map((part) =>
          isSuspicious(part) ? { ...part, isOutlier: true, successes, failures } : part,
        );
        write({ ...cell, belief: { ...cell.belief, worse: 0 }, parts: apart });
      }
    } else if (cell.belief.better >= betterThreshold) {
      write({ ...cell, belief: becomeBetter(cell.belief, prior), parts: keepOutliers(parts) });
      raise(cell, 'better');
      for (const other of complexities) {
        const sibling = cells.get(cellKeyOf(model, other));
        if (other === complexity || sibling === undefined) continue;
        const agedSibling = ageCell(sibling, clocks.get(other) ?? 0, options.nowMs, options.forgetting);
        write({ ...agedSibling, belief: shake(agedSibling.belief, priorOf(agedSibling)) });
      }
    } else {
      write(cell);
    }
  }
  return { clocks, cells, touched, alarms };
}

export function newCell(model: string, complexity: Complexity, clock: number, atMs: number): Cell {
  return {
    model,
    complexity,
    belief: noBelief,
    parts: [],
    responseTimes: 0,
    responseTimeSumMs: 0,
    clock,
    atMs,
    baseScore: null,
  };
}

/** The cell as it is when so many requests were answered and so much time has passed: whichever of the two is more. */
export function ageCell(cell: Cell, clock: number, nowMs: number, forgetting: Forgetting): Cell {
  const byRequests = (clock - cell.clock) / forgetting.halfLifeRequests;
  const byTime = (nowMs - cell.atMs) / forgetting.halfLifeMs;
  const halfLives = Math.max(0, byRequests, byTime);
  if (halfLives === 0) return cell;
  const kept = 2 ** -halfLives;
  return {
    ...cell,
    belief: forget(cell.belief, halfLives),
    parts: cell.parts.map((part) => ({ ...part, successes: part.successes * kept, failures: part.failures * kept })),
    responseTimes: cell.responseTimes * kept,
    responseTimeSumMs: cell.responseTimeSumMs * kept,
    clock: Math.max(cell.clock, clock),
    atMs: Math.max(cell.atMs, nowMs),
  };
}

function addToParts(parts: readonly Part[], one: Evidence, failureRate: number): Part[] {
  const values = { instance: one.instanceId, provider: one.provider, query_type: one.queryType };
  const rates = cusumRates(failureRate);
  const next = [...parts];
  for (const kind of partKinds) {
    const value = values[kind];
    if (value === null) continue;
    const index = next.findIndex((part) => part.kind === kind && part.value === value);
    const part = next[index] ?? newPart(kind, value);
    const worse = kind === 'instance' ? Math.min(worseThreshold, nextCusum(part.worse, one, rates)) : 0;
    const isWellAgain = part.isOutlier && worse === 0;
    const before = isWellAgain ? newPart(kind, value) : part;
    const changed: Part = {
      ...before,
      successes: before.successes + one.successes,
      failures: before.failures + one.failures,
      worse,
    };
    if (index === -1) makeRoom(next, kind).push(changed);
    else next[index] = changed;
  }
  return next;
}

function newPart(kind: Part['kind'], value: string): Part {
  return { kind, value, successes: 0, failures: 0, worse: 0, isOutlier: false };
}

/** Drops what has hardly any evidence left, and beyond the limit what has the least. */
function makeRoom(parts: Part[], kind: Part['kind']): Part[] {
  const ofKind = parts.filter((part) => part.kind === kind);
  if (ofKind.length < mostValues) return parts;
  const least = ofKind.reduce((a, b) => (evidenceOf(a) <= evidenceOf(b) ? a : b));
  const faint = (part: Part): boolean => part.kind === kind && evidenceOf(part) < leastEvidence;
  for (let index = parts.length - 1; index >= 0; index -= 1) {
    const part = parts[index];
    if (part !== undefined && (part === least || faint(part))) parts.splice(index, 1);
  }
  return parts;
}

function isSuspicious(part: Part): boolean {
  return part.kind === 'instance' && part.worse >= suspicion;
}

/** Two instances see it, or such as carry half of the cell's traffic. */
export function isSharedTrouble(parts: readonly Part[]): boolean {
  const instances = parts.filter((part) => part.kind === 'instance' && !part.isOutlier);
  return isMuchOf(instances.filter(isSuspicious), instances);
}

/** Whether two instances, or such as carry half of the traffic, find the model worse than this score says. */
export function isSharedView(cell: Cell, score: number): boolean {
  const instances = cell.parts.filter((part) => part.kind === 'instance' && !part.isOutlier);
  const below = instances.filter((part) => part.successes < successRateOf(score) * evidenceOf(part));
  return isMuchOf(below, instances);
}

function isMuchOf(some: readonly Part[], all: readonly Part[]): boolean {
  const traffic = (parts: readonly Part[]): number => parts.reduce((sum, part) => sum + evidenceOf(part), 0);
  return some.length >= 2 || traffic(some) >= traffic(all) / 2;
}

function evidenceOf(part: Part): number {
  return Math.max(0, part.successes + part.failures);
}

/** Parts of a cell that begins anew: what they have seen is over, but who is in trouble of its own stays so. */
function keepOutliers(parts: readonly Part[]): Part[] {
  return parts.filter((part) => part.isOutlier);
}
