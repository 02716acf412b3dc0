/**
 * The learner and the choice against a world that changes: what is lost against always choosing the best model, beside
 * the rule of the first design, the catalogue as it stands and Thompson sampling without forgetting.
 *
 *     npm run bench:learning -- [--seeds 20] [--requests 50000] [--plot FILE.svg] [--json]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Complexity } from '../src/contracts/query-class.ts';
import { regretPlot } from './learning/plot.ts';
import {
  type Policy,
  seedPolicy,
  signalboxDefaults,
  signalboxPolicy,
  staticPolicy,
  undiscountedThompsonPolicy,
} from './learning/policies.ts';
import { createWorld, type World } from './learning/world.ts';
import { requestsUntilShed } from './learning/shed.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    requests: { type: 'string', default: '50000' },
    plot: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const seeds = Array.from({ length: positive('seeds', values.seeds) }, (_, index) => String(index + 1));
const requests = positive('requests', values.requests);
const instances = 8;

const policies: Record<string, (world: World, seed: string) => Policy> = {
  signalbox: (world, seed) => signalboxPolicy(world, seed),
  'thompson, undiscounted': undiscountedThompsonPolicy,
  catalogue: staticPolicy,
  'rule of the first design': seedPolicy,
};

interface Outcome {
  /** Worth of the choices as a share of that of the best ones. */
  utility: number;
  regret: number;
  /** Cumulative regret at a hundred points of the run. */
  curve: number[];
}

function run(world: World, policy: Policy, firstRequest = 0, everyNth = 1): Outcome {
  let worth = 0;
  let best = 0;
  const curve: number[] = [];
  for (let request = firstRequest; request < world.requests; request += everyNth) {
    const tier = world.tier(request);
    const model = policy.choose(tier, request);
    policy.learn(model, tier, world.answersWell(model, tier, request), request);
    worth += world.utility(model, tier, request);
    best += bestUtility(world, tier, request);
    if (request % (world.requests / 100) === 0) curve.push(best - worth);
  }
  return { utility: worth / best, regret: best - worth, curve };
}

function bestUtility(world: World, tier: Complexity, request: number): number {
  return Math.max(...world.names.map((_, model) => world.utility(model, tier, request)));
}

const mean = (list: readonly number[]): number => list.reduce((sum, value) => sum + value, 0) / list.length;

function compare(isStationary: boolean): Map<string, Outcome> {
  const worlds = seeds.map((seed) => ({ seed, world: createWorld(seed, requests, isStationary) }));
  return new Map(
    Object.entries(policies).map(([name, create]) => {
      const outcomes = worlds.map(({ seed, world }) => run(world, create(world, seed)));
      return [
        name,
        {
          utility: mean(outcomes.map(({ utility }) => utility)),
          regret: mean(outcomes.map(({ regret }) => regret)),
          curve: Array.from({ length: 100 }, (_, point) => mean(outcomes.map(({ curve }) => curve[point] ?? 0))),
        },
      ];
    }),
  );
}

/** Published scores in the second half of a run in which nothing changes. */
function calm(): { updates: number; topChanges: number } {
  const counts = seeds.map((seed) => {
    const world = createWorld(seed, requests, true);
    const policy = signalboxPolicy(world, seed);
    let atHalf = policy.published();
    for (let request = 0; request < requests; request += 1) {
      if (request === requests / 2) atHalf = policy.published();
      const tier = world.tier(request);
      const model = policy.choose(tier, request);
      policy.learn(model, tier, world.answersWell(model, tier, request), request);
    }
    const atEnd = policy.published();
    return { updates: atEnd.updates - atHalf.updates, topChanges: atEnd.topChanges - atHalf.topChanges };
  });
  const perRequests = 25_000 / (requests / 2);
  return {
    updates: mean(counts.map(({ updates }) => updates)) * perRequests,
    topChanges: mean(counts.map(({ topChanges }) => topChanges)) * perRequests,
  };
}

/** Regret of a fleet whose instances learn together, as a share of that where each learns by itself. */
function pooling(): number {
  const regrets = seeds.map((seed) => {
    const world = createWorld(seed, requests, false);
    const pooled = run(world, signalboxPolicy(world, seed)).regret;
    const isolated = Array.from(
      { length: instances },
      (_, instance) => run(world, signalboxPolicy(world, `${seed} ${instance}`), instance, instances).regret,
    );
    return { pooled, isolated: isolated.reduce((sum, regret) => sum + regret, 0) };
  });
  return mean(regrets.map(({ pooled }) => pooled)) / mean(regrets.map(({ isolated }) => isolated));
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  console.error(`--${name} must be a positive whole number, not ${text}`);
  process.exit(1);
}

const stationary = compare(true);
const changing = compare(false);
const histories = [100, 1000, 10_000, 100_000];
const shed = histories.map((history) => Math.max(...seeds.map((seed) => requestsUntilShed(seed, history))));
const still = calm();
const pooledShare = pooling();

const regretOf = (name: string): number => changing.get(name)?.regret ?? Number.NaN;
const goals: Array<[goal: string, measured: number, holds: boolean, text: string]> = [];
function goal(name: string, measured: number, holds: boolean, digits = 3): void {
  goals.push([name, measured, holds, measured.toFixed(digits)]);
}
const ours = regretOf('signalbox');
const utility = {
  changing: changing.get('signalbox')?.utility ?? 0,
  stationary: stationary.get('signalbox')?.utility ?? 0,
};
goal('worth, of the best: while the world changes ≥ 0.99', utility.changing, utility.changing >= 0.99, 4);
goal('worth, of the best: while nothing changes ≥ 0.995', utility.stationary, utility.stationary >= 0.995, 4);
goal(
  'regret, of the first design’s rule ≤ 1/7',
  ours / regretOf('rule of the first design'),
  ours <= regretOf('rule of the first design') / 7,
);
goal(
  'regret, of the catalogue as it stands ≤ 1/2.5',
  ours / regretOf('catalogue'),
  ours <= regretOf('catalogue') / 2.5,
);
goal(
  'regret, of undiscounted Thompson sampling ≤ 1/2',
  ours / regretOf('thompson, undiscounted'),
  ours <= regretOf('thompson, undiscounted') / 2,
);
for (const [index, history] of histories.entries()) {
  const count = shed[index] ?? Infinity;
  goal(
    `requests until 30 points less are noticed, after ${history} good ones ≤ 100 (worst seed)`,
    count,
    count <= 100,
    0,
  );
}
goal('published scores in 25,000 requests while nothing changes ≤ 4', still.updates, still.updates <= 4, 1);
goal('changes of the best model in the same ≤ 1', still.topChanges, still.topChanges <= 1, 1);
goal(`regret of ${instances} instances that learn together, of each by itself ≤ 1/2`, pooledShare, pooledShare <= 0.5);

if (values.plot !== undefined) {
  writeFileSync(values.plot, regretPlot(new Map([...changing].map(([name, { curve }]) => [name, curve])), requests));
}
if (values.json) {
  const tables = { stationary: Object.fromEntries(stationary), changing: Object.fromEntries(changing) };
  console.log(JSON.stringify({ seeds: seeds.length, requests, options: signalboxDefaults, ...tables, goals }, null, 2));
} else {
  console.log(`${seeds.length} seeds of ${requests} requests, 5 models, 3 complexities\n`);
  console.log(row(['', 'nothing changes', '', 'the world changes', '']));
  console.log(row(['', 'worth', 'regret', 'worth', 'regret']));
  for (const name of Object.keys(policies)) {
    const [calmly, wildly] = [stationary.get(name), changing.get(name)];
    console.log(
      row([
        name,
        calmly?.utility.toFixed(4),
        calmly?.regret.toFixed(0),
        wildly?.utility.toFixed(4),
        wildly?.regret.toFixed(0),
      ]),
    );
  }
  console.log();
  for (const [name, , holds, text] of goals) console.log(`${holds ? 'holds' : 'FAILS'}  ${text.padStart(7)}  ${name}`);
}

function row(cells: ReadonlyArray<string | undefined>): string {
  return cells.map((cell = '', index) => (index === 0 ? cell.padEnd(28) : cell.padStart(18))).join('');
}
