import { expect, it } from 'vitest';
import { type Bet, newBet, nextBet } from './betting.ts';
import { createRandom, type Random } from './random.ts';

/** How many values it takes until the capital is 1/alpha; null where that never happens. */
function valuesUntil(alpha: number, most: number, claimed: number, value: () => number): number | null {
  let bet: Bet = newBet;
  for (let count = 1; count <= most; count += 1) {
    bet = nextBet(bet, value(), claimed);
    if (bet.logCapital >= Math.log(1 / alpha)) return count;
  }
  return null;
}

it.each<[string, (random: Random) => number]>([
  ['two values', (random) => (random.next() < 0.3 ? 1 : 0)],
  ['even ones', (random) => random.next() * 0.6],
  ['rare great ones', (random) => (random.next() < 0.25 ? 0.9 : 0.1)],
])('a claim that is true is rejected as often as it may be at the most, by %s', (_, draw) => {
  const random = createRandom('true claims');
  let rejected = 0;
  for (let run = 0; run < 1000; run += 1) {
    if (valuesUntil(0.05, 1000, 0.3, () => draw(random)) !== null) rejected += 1;
  }
  expect(rejected / 1000).toBeLessThanOrEqual(0.05);
});

it('finds out soon where the mean is higher', () => {
  const random = createRandom('false claims');
  const counts = Array.from({ length: 101 }, () =>
    valuesUntil(0.05, 100_000, 0.5, () => (random.next() < 0.6 ? 1 : 0)),
  ).map((count) => count ?? Infinity);
  counts.sort((a, b) => a - b);
  // The best bet known beforehand grows by KL(0.6 ‖ 0.5) = 0.0201 each: ln(20) takes it 149.
  expect(counts[50]).toBeLessThan(350);
});

it('stays a number', () => {
  let bet: Bet = newBet;
  for (let count = 0; count < 10_000; count += 1) bet = nextBet(bet, count % 2, 0.999);
  expect(Number.isFinite(bet.logCapital)).toBe(true);
  for (let count = 0; count < 10_000; count += 1) bet = nextBet(bet, 1, 0.001);
  expect(bet.logCapital).toBeGreaterThan(1000);
});
