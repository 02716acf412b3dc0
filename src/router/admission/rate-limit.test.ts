import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RateAnswer, RateExchange } from '../../platform/store/rate-limits.ts';
import { type LeaseTimes, noDemand } from './account.ts';
import { createRateLimit, type RateLimit } from './rate-limit.ts';

const times: LeaseTimes = { idleMs: 500, renewMs: 1500, freshMs: 100 };
const windowMs = 60_000;

/** What PostgreSQL does with one limit, by a clock that runs like the test's. */
function createLedger(perMinute: number) {
  let window = -1;
  let used = 0;
  return {
    exchange(said: RateExchange, now: number): RateAnswer {
      const current = Math.floor(now / windowMs) * windowMs;
      if (current !== window) used = 0;
      else if (said.window?.getTime() === window) used = Math.max(0, used - said.returned);
      window = current;
      const free = Math.max(0, perMinute - used);
      const granted =
        free < said.minimum ? 0 : Math.min(free, Math.max(said.waiting, Math.min(said.ahead, Math.floor(free / 8))));
      used += granted;
      return {
        rateLimitId: said.rateLimitId,
        granted,
        perMinute,
        used,
        window: new Date(window),
        endsInMs: window + windowMs - now,
      };
    },
  };
}

function grant(limit: RateLimit, granted: number, changes: Partial<RateAnswer> = {}, now = 0): void {
  limit.next({ smallest: 1, total: 1 }, now);
  const common = { rateLimitId: 'r', perMinute: 100, used: granted, window: new Date(0), endsInMs: windowMs };
  limit.answered({ ...common, granted, ...changes }, now, now);
}

describe('a share of a limit a minute', () => {
  it('never admits more in a window than the limit, with two instances and whatever fails', () => {
    const step = fc.record({
      instance: fc.nat(1),
      amount: fc.integer({ min: 1, max: 30 }),
      afterMs: fc.integer({ min: 0, max: 4000 }),
      delayMs: fc.integer({ min: 0, max: 3000 }),
      fate: fc.constantFrom('answered', 'answered', 'answered', 'lost question', 'lost answer'),
      share: fc.integer({ min: 0, max: 10 }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.array(step, { maxLength: 150 }), (perMinute, steps) => {
        const ledger = createLedger(perMinute);
        const limits = [createRateLimit('r', times), createRateLimit('r', times)];
        const admitted = new Map<number, number>();
        let now = 0;
        for (const { instance, amount, afterMs, delayMs, fate, share } of steps) {
          now += afterMs;
          const limit = limits[instance] as RateLimit;
          const sentMs = now;
          const said = limit.next(limit.fits(amount, now) ? noDemand : { smallest: amount, total: amount }, now);
          if (said !== null && fate !== 'lost question') {
            const heard = ledger.exchange(said, now);
            now += delayMs;
            if (fate === 'answered') limit.answered(heard, sentMs, now);
          }
          if (!limit.fits(amount, now)) continue;
          const used = Math.floor((amount * share) / 10);
          limit.settle(limit.hold(amount, now), amount, used, now);
          const window = Math.floor(now / windowMs);
          admitted.set(window, (admitted.get(window) ?? 0) + used);
        }
        for (const total of admitted.values()) expect(total).toBeLessThanOrEqual(perMinute);
      }),
      { numRuns: 500 },
    );
  });

  it('ends early rather than late where the answer was long on its way', () => {
    const limit = createRateLimit('r', times);
    const said = limit.next({ smallest: 1, total: 1 }, 0);
    expect(said).toMatchObject({ minimum: 1, waiting: 1, window: null });
    limit.answered(
      { rateLimitId: 'r', granted: 5, perMinute: 9, used: 5, window: new Date(0), endsInMs: 1000 },
      0,
      400,
    );
    expect([limit.fits(5, 999), limit.fits(1, 1000)]).toEqual([true, false]);
  });

  it('ends with its window', () => {
    const limit = createRateLimit('r', times);
    grant(limit, 10);
    const mark = limit.hold(4, 1);
    expect([limit.fits(6, 59_999), limit.fits(1, 60_000)]).toEqual([true, false]);
    grant(limit, 3, { window: new Date(windowMs), endsInMs: windowMs }, 60_000);
    limit.settle(mark, 4, 0, 60_001);
    expect(limit.available(60_002)).toBe(3);
  });

  it('hands on what was used beyond what was held', () => {
    const limit = createRateLimit('r', times);
    grant(limit, 10);
    limit.settle(limit.hold(10, 1), 10, 25, 2);
    expect(limit.available(3)).toBe(-15);
    expect(limit.next({ smallest: 5, total: 8 }, 4)).toMatchObject({ returned: -15, minimum: 5, waiting: 8 });
    expect(limit.available(5)).toBe(0);
  });

  it('gives back what is idle, and asks for nothing then', () => {
    const limit = createRateLimit('r', times);
    grant(limit, 10);
    limit.settle(limit.hold(2, 0), 2, 2, 1);
    expect(limit.next(noDemand, 100)).toMatchObject({ returned: 6, ahead: 0 });
    expect(limit.next(noDemand, 501)).toMatchObject({ returned: 2, waiting: 0, ahead: 0 });
    expect(limit.next(noDemand, 502)).toBeNull();
  });

  it('says how the window stands', () => {
    const limit = createRateLimit('r', times);
    expect(limit.state(0)).toBeNull();
    grant(limit, 10, { used: 40 });
    limit.hold(3, 1);
    expect(limit.state(1000)).toEqual({ limit: 100, remaining: 67, resetMs: 59_000 });
    expect([limit.refuses(67, 50), limit.refuses(68, 50), limit.refuses(68, 101)]).toEqual([false, true, false]);
    expect(limit.refuses(101, 5000)).toBe(true);
    expect(limit.state(windowMs)).toEqual({ limit: 100, remaining: 100, resetMs: 0 });
  });
});
