import { beforeEach, expect, test } from 'vitest';
import { createOutlierEjection, type OutlierEjection } from './outlier-ejection.ts';
import { maxStates, maxTargets } from './target-map.ts';

let ejection: OutlierEjection;
beforeEach(() => {
  ejection = createOutlierEjection(() => ({
    consecutiveFailures: 2,
    windowMs: 30_000,
    minRequests: 20,
    failureRate: 0.5,
    baseEjectionMs: 5000,
    maxEjectionMs: 300_000,
  }));
});

test('targets stand alone', () => {
  for (const target of ['openai', 'openai', 'anthropic']) ejection.record(target, 'failure', 1, 2);
  expect(ejection.check('openai', 2)).toBe('ejected');
  expect(ejection.check('anthropic', 2)).toBe('closed');
  expect(ejection.check('mistral', 2)).toBe('closed');
  expect(ejection.state('openai', 2)).toEqual({ status: 'ejected', untilMs: 5002, ejections: 1 });
  expect(ejection.state('mistral', 2)).toEqual({ status: 'closed', untilMs: null, ejections: 0 });
});

test('the probe of one target is claimed and settled', () => {
  ejection.record('openai', 'fatal', 1, 2);
  ejection.begin('openai', 5002);
  expect(ejection.check('openai', 5003)).toBe('ejected');
  ejection.record('openai', 'success', 5002, 5004);
  expect(ejection.check('openai', 5004)).toBe('closed');
});

test('models that do not exist push nothing out', () => {
  ejection.record('openai', 'fatal', 1, 2);
  for (let target = 0; target <= maxTargets; target += 1) ejection.record(`openai/${target}`, 'neutral', 1, 2);
  expect(ejection.check('openai', 2)).toBe('ejected');
});

test('lists what is not closed, but no endless list', () => {
  expect(ejection.states(0)).toEqual([]);
  ejection.record('fine', 'success', 1, 2);
  ejection.pause('limited', 1000, 2);
  expect(ejection.states(2)).toEqual([{ target: 'limited', status: 'ejected', untilMs: 1002, ejections: 0 }]);
  for (let target = 0; target < 2 * maxStates; target += 1) ejection.record(`target ${target}`, 'fatal', 1, 2);
  expect(ejection.states(2)).toHaveLength(maxStates);
});
