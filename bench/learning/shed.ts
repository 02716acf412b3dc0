import { betaMean } from '../../src/statistics/beta.ts';
import { createRandom } from '../../src/statistics/random.ts';
import { type FleetBeliefs, learnFrom } from '../../src/central/learn/fleet-beliefs.ts';
import { posteriorOf } from '../../src/central/learn/posterior.ts';
import { signalboxDefaults } from './policies.ts';

const usualRate = 0.95;
const degradedRate = 0.65;
/** A model that is believed to do no better than this is no longer the choice where others reach the usual rate. */
const shedBelow = 0.85;

/** How many requests of a cell it takes to see that its success rate fell by 30 points, after so many at the usual one. */
export function requestsUntilShed(seed: string, history: number): number {
  const random = createRandom(`shed ${seed} ${history}`);
  const options = {
    catalogueScore: () => 4.5,
    nowMs: 0,
    forgetting: { halfLifeRequests: signalboxDefaults.halfLifeRequests, halfLifeMs: Infinity },
  };
  let beliefs: FleetBeliefs = { clocks: new Map(), cells: new Map() };
  function learn(count: number, rate: number): number {
    const successes = Array.from({ length: count }, () => Number(random.chance(rate)));
    const evidence = successes.map((success) => ({
      model: 'm',
      complexity: 'simple' as const,
      queryType: null,
      provider: 'p',
      instanceId: 'one',
      requests: 1,
      successes: success,
      failures: 1 - success,
      responseTimes: 0,
      responseTimeSumMs: 0,
    }));
    beliefs = learnFrom(beliefs, evidence, options);
    const [cell] = beliefs.cells.values();
    return cell === undefined ? usualRate : betaMean(posteriorOf(cell.belief, 4.5));
  }
  learn(history, usualRate);
  for (let requests = 1; requests <= 10_000; requests += 1) {
    if (learn(1, degradedRate) < shedBelow) return requests;
  }
  return Infinity;
}
