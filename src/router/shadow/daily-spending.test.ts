import { expect, it } from 'vitest';
import { createDailySpending } from './daily-spending.ts';

const day = 86_400_000;

it('holds no more than a day may cost, and gives back what was not used', () => {
  const spending = createDailySpending(1);
  const first = spending.hold(0.6, 0);
  expect(spending.hold(0.5, 0)).toBeNull();
  first?.settle(0.1);
  first?.settle(0.9);
  const second = spending.hold(0.9, 0);
  expect(second).not.toBeNull();
  expect(spending.hold(0.01, 0)).toBeNull();
});

it('counts what is unknown as dear as it could be', () => {
  const spending = createDailySpending(1);
  spending.hold(0.6, 0)?.settle(null);
  expect(spending.hold(0.5, 0)).toBeNull();
});

it('begins anew each day, with what is still under way', () => {
  const spending = createDailySpending(1);
  const open = spending.hold(0.4, day - 1);
  spending.hold(0.6, day - 1)?.settle(0.6);
  expect(spending.hold(0.1, day - 1)).toBeNull();
  expect(spending.hold(0.7, day)).toBeNull();
  open?.settle(0.4);
  expect(spending.hold(0.6, day)).not.toBeNull();
  expect(spending.hold(0.1, day)).toBeNull();
});

it('lets nothing through where nothing may be spent', () => {
  expect(createDailySpending(0).hold(0.001, 0)).toBeNull();
});
