import { type Complexity, complexities, type PerComplexity } from '../../src/contracts/query-class.ts';
import { type Alarm, cellKeyOf, ageCell, type FleetBeliefs, learnFrom } from '../../src/central/learn/fleet-beliefs.ts';
import { noBelief, posteriorOf } from '../../src/central/learn/posterior.ts';
import { nextPublished } from '../../src/central/learn/publication.ts';
import { choiceProbabilities, pickByProbability } from '../../src/router/select/explore.ts';
import { drawCount } from '../../src/router/select/score-draws.ts';
import { betaMean, sampleBeta } from '../../src/statistics/beta.ts';
import { createRandom } from '../../src/statistics/random.ts';
import { highestScore, successRateOf } from '../../src/statistics/score-scale.ts';
import { costWeight, latencyWeight, type World } from './world.ts';

/** Chooses a model for each request, and learns how it went. */
export interface Policy {
  choose(tier: Complexity, request: number): number;
  learn(model: number, tier: Complexity, isGood: boolean, request: number): void;
}

/** What a model costs beside its failures, in units of success. */
function fixedWorth(world: World, model: number): number {
  return -costWeight * world.cost(model) - latencyWeight * world.latencySeconds(model);
}

function indexOfBest(values: readonly number[]): number {
  return values.indexOf(Math.max(...values));
}

export interface SignalboxOptions {
  halfLifeRequests: number;
  /** Evidence is learned from when so many outcomes have come: what the consumer gathers in a second. */
  learnEvery: number;
  floor: number;
  maxShare: number;
}

export const signalboxDefaults: SignalboxOptions = {
  halfLifeRequests: 10_000,
  learnEvery: 20,
  floor: 0.01,
  maxShare: 0.1,
};

export interface SignalboxPolicy extends Policy {
  /** Scores that were published, and how often the best one of a tier became another. */
  published(): { updates: number; topChanges: number };
  alarms(): number;
}

/** The learner and the choice of the product, as they are, with a fresh look at the beliefs every hundred requests. */
export function signalboxPolicy(
  world: World,
  seed: string,
  options: SignalboxOptions = signalboxDefaults,
): SignalboxPolicy {
  const random = createRandom(`policy ${seed}`);
  const catalogueScore = (model: string, tier: Complexity): number => world.catalogue.get(model)?.[tier] ?? 0;
  const forgetting = { halfLifeRequests: options.halfLifeRequests, halfLifeMs: Infinity };
  let beliefs: FleetBeliefs = { clocks: new Map(), cells: new Map() };
  let waiting: Array<Parameters<typeof learnFrom>[1][number]> = [];
  const probabilities = new Map<Complexity, { values: number[]; left: number }>();
  const scores = new Map(complexities.map((tier) => [tier, world.names.map((name) => catalogueScore(name, tier))]));
  let updates = 0;
  let topChanges = 0;
  let alarms = 0;

  function beliefOf(name: string, tier: Complexity) {
    const cell = beliefs.cells.get(cellKeyOf(name, tier));
    if (cell === undefined) return noBelief;
    return ageCell(cell, beliefs.clocks.get(tier) ?? 0, 0, forgetting).belief;
  }

  function look(tier: Complexity): number[] {
    const arms = world.names.map((name, model) => {
      const posterior = posteriorOf(beliefOf(name, tier), catalogueScore(name, tier));
      const fixed = fixedWorth(world, model);
      const draws = Float64Array.from({ length: drawCount }, () => sampleBeta(posterior, random));
      return {
        worth: fixed + betaMean(posterior),
        draws,
        base: fixed,
        slope: 1,
        offset: 0,
        costUsd: world.cost(model),
      };
    });
    return choiceProbabilities(arms, { floor: options.floor, maxShare: options.maxShare, maxExtraCost: Infinity });
  }

  function publish(touched: ReadonlySet<string>, raised: ReadonlyMap<string, Alarm>): void {
    for (const key of touched) {
      const cell = beliefs.cells.get(key);
      const ofTier = cell === undefined ? undefined : scores.get(cell.complexity);
      if (cell === undefined || ofTier === undefined) continue;
      const model = world.names.indexOf(cell.model);
      const before = ofTier[model] ?? 0;
      const next = nextPublished(before, {
        posterior: posteriorOf(cell.belief, catalogueScore(cell.model, cell.complexity)),
        observations: cell.belief.observations,
        minObservations: 100,
        slowness: 0,
        isAlarm: raised.get(key) === 'worse',
        mayFall: true,
      });
      if (next === before) continue;
      updates += 1;
      const worths = (list: readonly number[]): number[] =>
        list.map((score, index) => successRateOf(score) + fixedWorth(world, index));
      const top = indexOfBest(worths(ofTier));
      ofTier[model] = next;
      if (indexOfBest(worths(ofTier)) !== top) topChanges += 1;
    }
  }

  return {
    choose(tier) {
      const known = probabilities.get(tier);
      const current = known === undefined || known.left === 0 ? { values: look(tier), left: 100 } : known;
      current.left -= 1;
      probabilities.set(tier, current);
      return pickByProbability(current.values, random.next());
    },
    learn(model, tier, isGood) {
      waiting.push({
        model: world.names[model] ?? '',
        complexity: tier,
        queryType: null,
        provider: 'simulated',
        instanceId: 'one',
        requests: 1,
        successes: isGood ? 1 : 0,
        failures: isGood ? 0 : 1,
        responseTimes: 0,
        responseTimeSumMs: 0,
      });
      if (waiting.length < options.learnEvery) return;
      const learned = learnFrom(beliefs, waiting, { catalogueScore, nowMs: 0, forgetting });
      waiting = [];
      beliefs = learned;
      publish(learned.touched, learned.alarms);
      alarms += learned.alarms.size;
      // An alarm is broadcast at once.
      if (learned.alarms.size > 0) probabilities.clear();
    },
    published: () => ({ updates, topChanges }),
    alarms: () => alarms,
  };
}

/** What the catalogue says, for ever. */
export function staticPolicy(world: World): Policy {
  const best = Object.fromEntries(
    complexities.map((tier) => [
      tier,
      indexOfBest(
        world.names.map(
          (name, model) => successRateOf(world.catalogue.get(name)?.[tier] ?? 0) + fixedWorth(world, model),
        ),
      ),
    ]),
  ) as PerComplexity<number>;
  return { choose: (tier) => best[tier], learn: () => undefined };
}

/**
 * The seed's rule as documented: on each tick, for cells with 100 outcomes, +0.2 where the success rate of all time is
 * above 95% and −0.2 where it is not, +0.1 for fast models and −0.1 for slow ones; scores stay within 0 and 5.
 */
export function seedPolicy(world: World): Policy {
  const tickRequests = 500;
  const cells = new Map(
    complexities.map((tier) => [
      tier,
      world.names.map((name) => ({ score: world.catalogue.get(name)?.[tier] ?? 0, count: 0, successes: 0 })),
    ]),
  );
  function tick(): void {
    for (const ofTier of cells.values()) {
      for (const [model, cell] of ofTier.entries()) {
        if (cell.count < 100) continue;
        const boost = cell.successes / cell.count > 0.95 ? 0.2 : -0.2;
        const speed = world.latencySeconds(model) > 2 ? -0.1 : 0.1;
        cell.score = Math.min(highestScore, Math.max(0, cell.score + boost + speed));
      }
    }
  }
  return {
    choose: (tier) =>
      indexOfBest((cells.get(tier) ?? []).map(({ score }, model) => successRateOf(score) + fixedWorth(world, model))),
    learn(model, tier, isGood, request) {
      const cell = cells.get(tier)?.[model];
      if (cell === undefined) return;
      cell.count += 1;
      cell.successes += isGood ? 1 : 0;
      if (request % tickRequests === tickRequests - 1) tick();
    },
  };
}

/** Thompson sampling as in the textbook: the same prior, a fresh draw for each request, nothing ever forgotten. */
export function undiscountedThompsonPolicy(world: World, seed: string): Policy {
  const random = createRandom(`thompson ${seed}`);
  const cells = new Map(
    complexities.map((tier) => [
      tier,
      world.names.map((name) => posteriorOf(noBelief, world.catalogue.get(name)?.[tier] ?? 0)),
    ]),
  );
  return {
    choose: (tier) =>
      indexOfBest(
        (cells.get(tier) ?? []).map((posterior, model) => sampleBeta(posterior, random) + fixedWorth(world, model)),
      ),
    learn(model, tier, isGood) {
      const posterior = cells.get(tier)?.[model];
      if (posterior === undefined) return;
      if (isGood) posterior.alpha += 1;
      else posterior.beta += 1;
    },
  };
}
