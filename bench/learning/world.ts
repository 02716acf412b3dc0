import { complexities, type Complexity, type PerComplexity } from '../../src/contracts/query-class.ts';
import { scoreOf } from '../../src/statistics/score-scale.ts';
import { createRandom, type Random } from '../../src/statistics/random.ts';

/** A model as it truly is at some moment. */
export interface SimulatedModel {
  name: string;
  successRate: PerComplexity<number>;
  /** A share of the dearest model's. */
  cost: number;
  latencySeconds: number;
}

/** A change of the world. */
export interface WorldEvent {
  at: number;
  until: number;
  model: string;
  change: 'outage' | 'degradation' | 'upgrade' | 'drift';
}

/** What does not change about the worth of an answer. */
export const costWeight = 0.1;
export const latencyWeight = 0.01;

const tierShares: PerComplexity<number> = { simple: 0.5, medium: 0.3, complex: 0.2 };

const models: readonly SimulatedModel[] = [
  { name: 'nano', successRate: { simple: 0.9, medium: 0.7, complex: 0.45 }, cost: 0.02, latencySeconds: 0.4 },
  { name: 'mini', successRate: { simple: 0.94, medium: 0.82, complex: 0.6 }, cost: 0.08, latencySeconds: 0.6 },
  { name: 'mid', successRate: { simple: 0.96, medium: 0.9, complex: 0.74 }, cost: 0.3, latencySeconds: 1 },
  { name: 'pro', successRate: { simple: 0.97, medium: 0.93, complex: 0.84 }, cost: 0.6, latencySeconds: 1.5 },
  { name: 'max', successRate: { simple: 0.975, medium: 0.95, complex: 0.9 }, cost: 1, latencySeconds: 2.5 },
];

/** As shares of the run: two hours of a bad day, a regression that is repaired, an upgrade that nobody announced. */
const changes: ReadonlyArray<{ from: number; until: number; model: string; change: WorldEvent['change'] }> = [
  { from: 0.16, until: 0.2, model: 'mini', change: 'outage' },
  { from: 0.32, until: 0.52, model: 'max', change: 'degradation' },
  { from: 0.6, until: Infinity, model: 'mini', change: 'upgrade' },
  { from: 0.6, until: 1, model: 'pro', change: 'drift' },
];

export interface World {
  names: readonly string[];
  requests: number;
  /** What the catalogue says of each model: the truth, with an error of half a point. */
  catalogue: ReadonlyMap<string, PerComplexity<number>>;
  events: readonly WorldEvent[];
  tier(request: number): Complexity;
  successRate(model: number, tier: Complexity, request: number): number;
  cost(model: number): number;
  latencySeconds(model: number): number;
  /** Expected worth: success − costWeight·cost − latencyWeight·latency. */
  utility(model: number, tier: Complexity, request: number): number;
  /** Whether this model would have answered this request well: one coin for each, whoever asks. */
  answersWell(model: number, tier: Complexity, request: number): boolean;
}

/** Equal seeds give equal worlds, request by request, to whichever policy. */
export function createWorld(seed: string, requests: number, isStationary: boolean): World {
  const random = createRandom(`world ${seed}`);
  const varied = models.map((model) => vary(model, random));
  const catalogue = new Map(
    varied.map((model) => [
      model.name,
      mapTiers((tier) => Math.min(5, Math.max(0, scoreOf(model.successRate[tier]) + 0.5 * random.normal()))),
    ]),
  );
  const tiers = Array.from({ length: requests }, () => pickTier(random.next()));
  const coins = Float64Array.from({ length: requests * models.length }, () => random.next());
  const events: WorldEvent[] = isStationary
    ? []
    : changes.map(({ from, until, ...rest }) => ({ ...rest, at: from * requests, until: until * requests }));

  function successRate(model: number, tier: Complexity, request: number): number {
    const base = varied[model];
    if (base === undefined) throw new RangeError(`no model ${model}`);
    let rate = base.successRate[tier];
    for (const event of events) {
      if (event.model !== base.name || request < event.at || request >= event.until) continue;
      if (event.change === 'outage') rate = 0.05;
      else if (event.change === 'degradation') rate -= 0.3;
      else if (event.change === 'upgrade') rate = Math.max(rate, Math.min(0.97, rate + 0.15));
      else rate -= (0.15 * (request - event.at)) / (event.until - event.at);
    }
    return rate;
  }
  const cost = (model: number): number => varied[model]?.cost ?? 0;
  const latencySeconds = (model: number): number => varied[model]?.latencySeconds ?? 0;

  return {
    names: varied.map((model) => model.name),
    requests,
    catalogue,
    events,
    tier: (request) => tiers[request] ?? 'simple',
    successRate,
    cost,
    latencySeconds,
    utility: (model, tier, request) =>
      successRate(model, tier, request) - costWeight * cost(model) - latencyWeight * latencySeconds(model),
    answersWell: (model, tier, request) =>
      (coins[request * models.length + model] ?? 1) < successRate(model, tier, request),
  };
}

function vary(model: SimulatedModel, random: Random): SimulatedModel {
  const rate = (tier: Complexity): number => Math.min(0.99, model.successRate[tier] + 0.02 * random.normal());
  return { ...model, successRate: mapTiers(rate) };
}

function mapTiers(value: (tier: Complexity) => number): PerComplexity<number> {
  return Object.fromEntries(complexities.map((tier) => [tier, value(tier)])) as PerComplexity<number>;
}

function pickTier(uniform: number): Complexity {
  if (uniform < tierShares.simple) return 'simple';
  return uniform < tierShares.simple + tierShares.medium ? 'medium' : 'complex';
}
