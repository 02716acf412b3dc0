import { describe, expect, it } from 'vitest';
import { count, milliseconds, percent, plural, range, seconds, signed, usd } from './numbers.ts';

describe('numbers with units', () => {
  it.each([
    [usd(null), '–'],
    [usd(0), '$0'],
    [usd(0.0000774), '$0.000077'],
    [usd(0.2), '$0.20'],
    [usd(1234.5), '$1,234.50'],
    [usd(-3), '−$3.00'],
    [milliseconds(0.4), '0 ms'],
    [milliseconds(999.6), '1.00 s'],
    [milliseconds(1500), '1.50 s'],
    [milliseconds(75_000), '1 min 15 s'],
    [seconds(45), '45 s'],
    [seconds(3600), '1 h'],
    [seconds(90_000), '1 d 1 h'],
    [percent(1), '100%'],
    [percent(0), '0%'],
    [percent(0.9979), '99.79%'],
    [percent(0.034), '3.4%'],
    [percent(0.5), '50%'],
    [count(99_999), '99,999'],
    [count(1_250_000), '1.3M'],
    [signed(-0.05), '−0.050'],
    [signed(0.0001), '0.000'],
    [range([0.1, 0.2], percent), '10% to 20%'],
    [range(null, percent), '–'],
    [plural(1, 'model'), '1 model'],
    [plural(2, 'copy', 'copies'), '2 copies'],
  ])('%s is %s', (shown, expected) => {
    expect(shown).toBe(expected);
  });
});
