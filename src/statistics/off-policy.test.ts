import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BanditFeedback, createOffPolicyLog, type MeasureEstimate, type OffPolicyLog } from './off-policy.ts';
import { createRandom } from './random.ts';

const anything = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY, span: 0 };
const share = { low: 0, high: 1, span: 1 };

/** A decision between `a`, which is logged with probability `pa`, and `b`; the new policy takes `a` with `na`. */
function choice(action: 'a' | 'b', pa: number, na: number, ...rewards: Array<number | null>): BanditFeedback {
  const choices = [
    { action: 'a', probability: na, loggedProbability: pa },
    { action: 'b', probability: 1 - na, loggedProbability: 1 - pa },
  ].filter(({ probability }) => probability > 0);
  return { context: 'x', action, propensity: action === 'a' ? pa : 1 - pa, choices, rewards };
}

function logOf(feedback: readonly BanditFeedback[], range = anything): OffPolicyLog {
  const log = createOffPolicyLog([range]);
  feedback.forEach((decision) => log.add(decision));
  return log;
}

function estimateOf(feedback: readonly BanditFeedback[], range = anything): MeasureEstimate {
  const estimate = logOf(feedback, range).estimate(0);
  if (estimate === null) throw new Error('no estimate');
  return estimate;
}

describe('the estimates', () => {
  it('are those worked out by hand', () => {
    // Weights 0.2 / 0.8 = 0.25 for a, 0.8 / 0.2 = 4 for b.
    const { logged, snips, effectiveCount, count } = estimateOf([
      choice('a', 0.8, 0.2, 1),
      choice('a', 0.8, 0.2, 3),
      choice('a', 0.8, 0.2, 2),
      choice('b', 0.8, 0.2, 10),
    ]);
    expect(count).toBe(4);
    expect(logged.value).toBe(4);
    // Σw·r / Σw = (0.25·6 + 40) / 4.75.
    expect(snips?.value).toBeCloseTo(41.5 / 4.75, 12);
    // (Σw)² / Σw² = 4.75² / (3·0.0625 + 16).
    expect(effectiveCount).toBeCloseTo(4.75 ** 2 / 16.1875, 12);
    // √(Σ (w·(r − v))² / w̄² / (n(n − 1))) with n = 4, w̄ = 1.1875, v = 8.7368…
    const deviations = [1, 3, 2].map((reward) => 0.25 * (reward - 41.5 / 4.75)).concat(4 * (10 - 41.5 / 4.75));
    const squares = deviations.reduce((sum, value) => sum + (value / 1.1875) ** 2, 0);
    const halfWidth = 1.959963984540054 * Math.sqrt(squares / 12);
    expect(snips?.interval[1]).toBeCloseTo(41.5 / 4.75 + halfWidth, 12);
    expect(snips?.difference.value).toBeCloseTo(41.5 / 4.75 - 4, 12);
  });

  it('are doubly robust: with a model of the other half’s means, shrunk by ten', () => {
    const feedback = Array.from({ length: 40 }, (_, index) =>
      choice(index % 4 === 0 ? 'b' : 'a', 0.75, 0.5, (index * 7) % 11),
    );
    // The same folds, drawn with the same seed.
    const random = createRandom('off-policy folds');
    const folds = feedback.map(() => random.int(2));
    const rewardOf = (decision: BanditFeedback): number => decision.rewards[0] ?? 0;
    const mean = (rewards: readonly number[]): number =>
      rewards.reduce((sum, value) => sum + value, 0) / rewards.length;
    const shrink = (rewards: readonly number[], towards: number): number =>
      (rewards.length * mean(rewards) + 10 * towards) / (rewards.length + 10);
    const terms = feedback.map((decision, index) => {
      const others = feedback.filter((_, other) => folds[other] !== folds[index]);
      const all = mean(others.map(rewardOf));
      const modelled = (action: string): number => {
        const rewards = others.filter((other) => other.action === action).map(rewardOf);
        return shrink(rewards, shrink(rewards, all));
      };
      const weight = 0.5 / decision.propensity;
      return 0.5 * modelled('a') + 0.5 * modelled('b') + weight * (rewardOf(decision) - modelled(decision.action));
    });
    expect(estimateOf(feedback).doublyRobust.value).toBeCloseTo(mean(terms), 12);
  });

  it('are the mean itself for the policy that was logged, without any difference', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.double({ min: -5, max: 5, noNaN: true })), { minLength: 2 }),
        (rows) => {
          const { logged, snips, doublyRobust, effectiveCount } = estimateOf(
            rows.map(([isA, reward]) => choice(isA ? 'a' : 'b', 0.5, 0.5, reward)),
          );
          expect(effectiveCount).toBeCloseTo(rows.length, 9);
          expect(snips?.value).toBeCloseTo(logged.value, 9);
          expect(snips?.interval[0]).toBeCloseTo(logged.interval[0], 9);
          expect(snips?.difference.interval.map(Math.abs).map((bound) => bound < 1e-8)).toEqual([true, true]);
          expect(Number.isFinite(doublyRobust.value)).toBe(true);
        },
      ),
    );
  });

  it('of SNIPS lie among the rewards, and move with them', () => {
    const rows = fc.array(
      fc.tuple(
        fc.boolean(),
        fc.double({ min: 0.05, max: 0.95, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
      ),
      { minLength: 2, maxLength: 50 },
    );
    fc.assert(
      fc.property(rows, (list) => {
        const of = (scale: number, shift: number): MeasureEstimate =>
          estimateOf(list.map(([isA, pa, reward]) => choice(isA ? 'a' : 'b', pa, 0.3, scale * reward + shift)));
        const plain = of(1, 0);
        const rewards = list.map(([, , reward]) => reward);
        expect(plain.snips?.value).toBeGreaterThanOrEqual(Math.min(...rewards) - 1e-9);
        expect(plain.snips?.value).toBeLessThanOrEqual(Math.max(...rewards) + 1e-9);
        expect(of(3, 7).snips?.value).toBeCloseTo(3 * (plain.snips?.value ?? 0) + 7, 9);
        expect(plain.effectiveCount).toBeLessThanOrEqual(list.length + 1e-9);
      }),
    );
  });
});

interface World {
  contexts: readonly string[];
  actions: readonly string[];
  logging(context: number): readonly number[];
  fresh(context: number): readonly number[];
  /** Success probability. */
  truth(context: number, action: number): number;
}

const world: World = {
  contexts: ['simple', 'medium', 'complex'],
  actions: ['small', 'middle', 'large'],
  logging: (context) =>
    [
      [0.8, 0.15, 0.05],
      [0.2, 0.7, 0.1],
      [0.1, 0.2, 0.7],
    ][context] ?? [],
  fresh: (context) =>
    [
      [0.1, 0.8, 0.1],
      [0.1, 0.2, 0.7],
      [0.05, 0.05, 0.9],
    ][context] ?? [],
  truth: (context, action) =>
    [
      [0.8, 0.85, 0.9],
      [0.6, 0.75, 0.85],
      [0.3, 0.5, 0.7],
    ][context]?.[action] ?? 0,
};

function expected(policy: (context: number) => readonly number[]): number {
  const values = world.contexts.map((_, context) =>
    policy(context).reduce((sum, probability, action) => sum + probability * world.truth(context, action), 0),
  );
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function pick(probabilities: readonly number[], uniform: number): number {
  let left = uniform;
  return Math.max(
    0,
    probabilities.findIndex((probability) => (left -= probability) < 0),
  );
}

/** A log of `count` decisions in the world: success as the first measure, a cost by log-normal sizes as the second. */
function simulate(count: number, seed: string): OffPolicyLog {
  const random = createRandom(seed);
  const log = createOffPolicyLog([share, { low: 0, high: Number.POSITIVE_INFINITY, span: 0 }]);
  for (let index = 0; index < count; index += 1) {
    const context = random.int(world.contexts.length);
    const logging = world.logging(context);
    const action = pick(logging, random.next());
    const cost = (action + 1) * random.logNormal(1, 3);
    log.add({
      context: world.contexts[context] ?? '',
      action: world.actions[action] ?? '',
      propensity: logging[action] ?? 0,
      choices: world.fresh(context).map((probability, other) => ({
        action: world.actions[other] ?? '',
        probability,
        loggedProbability: logging[other] ?? 0,
      })),
      rewards: [Number(random.chance(world.truth(context, action))), cost],
    });
  }
  return log;
}

describe('on simulated logs whose truth is known', () => {
  const runs = 300;
  const logs = Array.from({ length: runs }, (_, run) => simulate(1500, `run ${run}`));
  const trueSuccess = expected(world.fresh);
  const trueDifference = trueSuccess - expected(world.logging);
  // Mean of a log-normal variable with median 1 and 95th percentile 3.
  const meanSize = Math.exp((Math.log(3) / 1.6448536269514722) ** 2 / 2);
  const trueCost =
    (meanSize *
      world.contexts.reduce(
        (sum, _, context) =>
          sum + world.fresh(context).reduce((costs, probability, action) => costs + probability * (action + 1), 0),
        0,
      )) /
    world.contexts.length;

  it.each([
    ['snips', 0, trueSuccess],
    ['doublyRobust', 0, trueSuccess],
    ['snips', 1, trueCost],
    ['doublyRobust', 1, trueCost],
  ] as const)('%s of measure %i is unbiased, and its interval covers', (estimator, measure, truth) => {
    const estimates = logs.map((log) => log.estimate(measure)?.[estimator]);
    const values = estimates.map((estimate) => estimate?.value ?? Number.NaN);
    const mean = values.reduce((sum, value) => sum + value, 0) / runs;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (runs - 1);
    expect(Math.abs(mean - truth)).toBeLessThan(3 * Math.sqrt(variance / runs));
    const covered = estimates.filter(
      (estimate) => estimate != null && estimate.interval[0] <= truth && truth <= estimate.interval[1],
    ).length;
    expect(covered / runs).toBeGreaterThanOrEqual(0.9);
    // Not by being too wide: 1.96 standard errors of what really varies, within a third.
    const halfWidths = estimates.map((estimate) => ((estimate?.interval[1] ?? 0) - (estimate?.interval[0] ?? 0)) / 2);
    const meanWidth = halfWidths.reduce((sum, value) => sum + value, 0) / runs;
    expect(meanWidth / (1.96 * Math.sqrt(variance))).toBeGreaterThan(0.75);
    expect(meanWidth / (1.96 * Math.sqrt(variance))).toBeLessThan(1.33);
  });

  it.each(['snips', 'doublyRobust'] as const)('%s tells the difference of the two policies', (estimator) => {
    const differences = logs.map((log) => log.estimate(0)?.[estimator]?.difference);
    const covered = differences.filter(
      (difference) =>
        difference !== undefined &&
        difference.interval[0] <= trueDifference &&
        trueDifference <= difference.interval[1],
    ).length;
    expect(covered / runs).toBeGreaterThanOrEqual(0.9);
  });

  it('the mean weight is 1, and doubly robust varies less than SNIPS where the model says much', () => {
    const means = logs.map((log) => log.overlap().meanWeight?.value ?? 0);
    expect(means.reduce((sum, value) => sum + value, 0) / runs).toBeCloseTo(1, 1);
    const widthOf = (estimator: 'snips' | 'doublyRobust'): number =>
      logs.reduce((sum, log) => {
        const [low = 0, high = 0] = log.estimate(0)?.[estimator]?.interval ?? [];
        return sum + high - low;
      }, 0);
    expect(widthOf('doublyRobust')).toBeLessThan(widthOf('snips'));
  });
});

describe('where the log says little', () => {
  it('there is no estimate from fewer than two decisions', () => {
    expect(createOffPolicyLog([share]).estimate(0)).toBeNull();
    expect(logOf([choice('a', 0.5, 1, 1)]).estimate(0)).toBeNull();
    expect(
      logOf([choice('a', 0.5, 1, null), choice('a', 0.5, 1, null), choice('a', 0.5, 1, 1)]).estimate(0),
    ).toBeNull();
    expect(createOffPolicyLog([share]).overlap()).toEqual({
      count: 0,
      effectiveCount: 0,
      unsupportedShare: 0,
      changedShare: 0,
      sureShare: 0,
      meanWeight: null,
    });
  });

  it('a policy that agrees with no decision has no SNIPS, and an effective count of 0', () => {
    const log = logOf([choice('a', 0.5, 0, 1), choice('a', 0.5, 0, 0), choice('a', 0.5, 0, 1)]);
    expect(log.estimate(0)).toMatchObject({ snips: null, effectiveCount: 0 });
    expect(log.overlap()).toMatchObject({ effectiveCount: 0, changedShare: 1, unsupportedShare: 0 });
  });

  it('sure decisions of another model are unsupported', () => {
    const log = logOf([choice('a', 1, 0, 1), choice('a', 1, 0.25, 1), choice('a', 1, 1, 0)]);
    const { sureShare, unsupportedShare, changedShare } = log.overlap();
    expect(sureShare).toBe(1);
    expect(unsupportedShare).toBeCloseTo(1.75 / 3, 12);
    expect(changedShare).toBeCloseTo(1.75 / 3, 12);
  });

  it('rewards that are all alike prove no more than the rule of three', () => {
    const all = Array.from({ length: 300 }, (_, index) => choice(index % 2 === 0 ? 'a' : 'b', 0.5, 1, 1));
    const { logged, snips, doublyRobust, effectiveCount } = estimateOf(all, share);
    expect(effectiveCount).toBeCloseTo(150, 9);
    expect(logged.interval).toEqual([0.99, 1]);
    expect(snips?.interval).toEqual([0.98, 1]);
    expect(doublyRobust.interval[0]).toBeLessThanOrEqual(0.98);
    expect(snips?.difference.interval).toEqual([-0.02, 0.02]);
  });

  it('a reward that is not known leaves its decision out of its measure alone', () => {
    const log = createOffPolicyLog([share, anything]);
    for (let index = 0; index < 10; index += 1) log.add(choice('a', 0.5, 1, 1, index < 4 ? null : 7));
    expect(log.estimate(0)?.count).toBe(10);
    expect(log.estimate(1)).toMatchObject({ count: 6, logged: { value: 7 }, snips: { value: 7 } });
  });

  it('what is no probability is refused', () => {
    const good = choice('a', 0.5, 0.5, 1);
    const refused: Array<[Partial<BanditFeedback>, RegExp]> = [
      [{ propensity: 0 }, /propensity/],
      [{ propensity: 1.5 }, /propensity/],
      [{ propensity: Number.NaN }, /propensity/],
      [{ choices: [] }, /sum to 1/],
      [{ choices: [{ action: 'a', probability: 0, loggedProbability: 1 }] }, /in \(0, 1\]/],
      [{ choices: [{ action: 'a', probability: 0.5, loggedProbability: 1 }] }, /sum to 1/],
      [{ rewards: [] }, /1 rewards/],
      [{ rewards: [Number.NaN] }, /finite/],
    ];
    for (const [change, message] of refused) {
      expect(() => logOf([{ ...good, ...change }])).toThrow(message);
    }
    expect(() => logOf([good]).estimate(1)).toThrow(RangeError);
  });
});
