import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { createRandom } from '../../statistics/random.ts';
import { createAdaptiveThrottle } from './adaptive-throttle.ts';
import { maxStates } from './target-map.ts';

const options = { k: 2, windowMs: 120_000 };
const never = (): number => 0.999_999;

describe('the probability of refusal', () => {
  it.each([
    [0, 0, 0],
    [1, 0, 1 / 9],
    [8, 0, 0.5],
    [1000, 0, 0.9],
    [100, 100, 0],
    [100, 50, 0],
    [100, 40, 20 / 108],
    [100, 10, 80 / 108],
  ])('of %i calls, %i accepted → %f', (requests, accepts, expected) => {
    const throttle = createAdaptiveThrottle(() => options, never);
    for (let call = 0; call < requests; call += 1) throttle.record('openai', call < accepts, 1000);
    expect(throttle.rejectProbability('openai', 1000)).toBeCloseTo(expected, 12);
  });

  it('lies in [0, 0.9]', () => {
    const calls = fc.array(fc.record({ isAccepted: fc.boolean(), afterMs: fc.nat(30_000) }), { maxLength: 300 });
    fc.assert(
      fc.property(calls, (list) => {
        const throttle = createAdaptiveThrottle(() => options, never);
        let nowMs = 0;
        for (const { isAccepted, afterMs } of list) {
          nowMs += afterMs;
          throttle.record('openai', isAccepted, nowMs);
          const probability = throttle.rejectProbability('openai', nowMs);
          expect(probability).toBeGreaterThanOrEqual(0);
          expect(probability).toBeLessThanOrEqual(0.9);
        }
      }),
    );
  });
});

test('draws no random number while all is well, and counts what it refuses', () => {
  let draws = 0;
  const throttle = createAdaptiveThrottle(
    () => options,
    () => {
      draws += 1;
      return 0;
    },
  );
  expect(throttle.rejects('unknown', 0)).toBe(false);
  throttle.record('openai', true, 0);
  expect(throttle.rejects('openai', 0)).toBe(false);
  expect(draws).toBe(0);
  throttle.record('anthropic', false, 0);
  expect(throttle.rejects('anthropic', 0)).toBe(true);
  expect(throttle.rejectProbability('anthropic', 0)).toBeCloseTo(2 / 10, 12);
});

test('what is over is forgotten after the window', () => {
  const throttle = createAdaptiveThrottle(() => options, never);
  for (let call = 0; call < 100; call += 1) throttle.record('openai', false, 0);
  expect(throttle.states(0)).toEqual([{ target: 'openai', rejectProbability: 0.9 }]);
  expect(throttle.states(120_000)).toEqual([]);
});

test('shows no endless list', () => {
  const throttle = createAdaptiveThrottle(() => options, never);
  for (let target = 0; target < 2 * maxStates; target += 1) throttle.record(`target ${target}`, false, 0);
  expect(throttle.states(0)).toHaveLength(maxStates);
});

/** Offers 50 calls a second to a backend that takes so many of them; how many it is sent in the last minute, a second. */
function sentPerSecond(accepts: (second: number) => number, seconds: number): number {
  const throttle = createAdaptiveThrottle(() => options, createRandom('throttle').next);
  let sentLately = 0;
  for (let second = 0; second < seconds; second += 1) {
    let sent = 0;
    for (let call = 0; call < 50; call += 1) {
      const nowMs = second * 1000 + call * 20;
      if (throttle.rejects('openai', nowMs)) continue;
      sent += 1;
      throttle.record('openai', sent <= accepts(second), nowMs);
    }
    if (second >= seconds - 60) sentLately += sent;
  }
  return sentLately / 60;
}

test('sends about twice what is accepted, and everything again when the backend is well', () => {
  expect(sentPerSecond(() => 50, 300)).toBe(50);
  expect(sentPerSecond(() => 10, 600)).toBeGreaterThan(17);
  expect(sentPerSecond(() => 10, 600)).toBeLessThan(23);
  expect(sentPerSecond(() => 0, 600)).toBeGreaterThan(3);
  expect(sentPerSecond(() => 0, 600)).toBeLessThan(7);
  expect(sentPerSecond((second) => (second < 600 ? 0 : 50), 1080)).toBe(50);
});
