import { describe, expect, it } from 'vitest';
import { createFaultRules, parseFault } from './faults.ts';

describe('parseFault', () => {
  it.each([
    ['refuse', { kind: 'refuse' }],
    ['cut:40', { kind: 'cut', tokens: 40 }],
    ['stall:250', { kind: 'stall', ms: 250 }],
    ['stall_after:3:250', { kind: 'stall_after', tokens: 3, ms: 250 }],
    ['http_429', { kind: 'http', status: 429, retryAfterSeconds: undefined }],
    ['http_429:7', { kind: 'http', status: 429, retryAfterSeconds: 7 }],
    ['http_529', { kind: 'http', status: 529, retryAfterSeconds: undefined }],
  ])('reads %s', (text, fault) => {
    expect(parseFault(text)).toEqual(fault);
  });

  it.each([
    '',
    'nothing',
    'cut',
    'cut:x',
    'cut:-1',
    'stall:600001',
    'stall_after:3',
    'http_500:3',
    'http_418',
    'cut:1:2:3',
  ])('refuses %j', (text) => {
    expect(parseFault(text)).toBeUndefined();
  });
});

describe('createFaultRules', () => {
  it('strikes only its model, only so many times', () => {
    const rules = createFaultRules('seed');
    rules.add({ fault: 'html', model: 'a', times: 2, probability: 1, endpoint: 'generation' });
    expect(rules.take('generation', 'b')).toBeUndefined();
    expect(rules.take('models', 'a')).toBeUndefined();
    expect(rules.take('generation', 'a')).toEqual({ kind: 'html' });
    expect(rules.list()).toMatchObject([{ fault: 'html', times: 1 }]);
    expect(rules.take('generation', 'a')).toEqual({ kind: 'html' });
    expect(rules.take('generation', 'a')).toBeUndefined();
    expect(rules.list()).toEqual([]);
  });

  it('strikes with its probability, and holds a bounded number of rules', () => {
    const rules = createFaultRules('seed');
    rules.add({ fault: 'slow', probability: 0.25, endpoint: 'generation' });
    const struck = Array.from({ length: 1000 }, () => rules.take('generation', 'a')).filter(Boolean).length;
    expect(struck).toBeGreaterThan(200);
    expect(struck).toBeLessThan(300);
    for (let count = 1; count < 100; count += 1) rules.add({ fault: 'slow', probability: 0, endpoint: 'generation' });
    expect(rules.add({ fault: 'slow', probability: 0, endpoint: 'generation' })).toBeUndefined();
  });
});
