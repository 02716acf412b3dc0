import { beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../platform/config/load.ts';
import type { FailureClass } from '../upstream/failure.ts';
import { callTargets } from './call-targets.ts';
import type { CallEnd } from './call-verdict.ts';
import { createResilience, type Resilience } from './resilience.ts';

const { resilience: config } = loadConfig({ env: {}, cwd: '/nonexistent' });
const luna = { targets: callTargets('openai', null, 'openai/gpt-6-luna') };
const sol = { targets: callTargets('openai', null, 'openai/gpt-6-sol') };
const sonnet = { targets: callTargets('anthropic', null, 'anthropic/claude-sonnet-5') };
const chain = [luna, sol, sonnet];

let resilience: Resilience;
beforeEach(
  () =>
    (resilience = createResilience(
      () => config,
      () => 0,
    )),
);

const failure = (
  failureClass: FailureClass,
  status: number | null = null,
  retryAfterSeconds: number | null = null,
): CallEnd => ({ class: failureClass, status, retryAfterSeconds });
/** A call, made whatever was known, that ends at `nowMs`. */
function call(step: typeof luna, end: CallEnd, nowMs: number): void {
  resilience.beforeCall(step.targets, true, nowMs - 1);
  resilience.afterCall(step.targets, end, nowMs - 1, nowMs);
}

describe('createResilience', () => {
  it('leaves a healthy chain alone', () => {
    for (let turn = 0; turn < 100; turn += 1) call(luna, 'success', 1000);
    const plan = resilience.usable(chain, 1000);
    expect(plan).toEqual({ steps: chain, isPanic: false });
    expect(plan.steps).toBe(chain);
    expect(resilience.beforeCall(luna.targets, false, 1000)).toBeNull();
    expect(resilience.states(1000)).toEqual({
      ejected: [],
      throttled: [],
      underWay: [],
    });
  });

  it('skips a provider that is down, tries it once, and uses it again', () => {
    for (let turn = 0; turn < 5; turn += 1) call(luna, failure('network'), 1000);
    expect(resilience.usable(chain, 1000)).toEqual({ steps: [sonnet], isPanic: false });
    expect(resilience.beforeCall(sol.targets, false, 1000)).toBe('ejected');
    expect(resilience.isUsable(sol.targets, 5999)).toBe(false);
    expect(resilience.isUsable(luna.targets, 6000)).toBe(true);

    expect(resilience.beforeCall(luna.targets, false, 6000)).toBeNull();
    expect(resilience.beforeCall(luna.targets, false, 6000)).toBe('ejected');
    resilience.afterCall(luna.targets, 'success', 6000, 6100);
    expect(resilience.usable(chain, 6100).steps).toBe(chain);
  });

  it('holds what a model on trial does against nobody else', () => {
    const tried = { targets: { ...luna.targets, isTrial: true } };
    for (let turn = 0; turn < 20; turn += 1) call(tried, failure('network'), 1000);
    call(tried, failure('auth', 401), 1000);
    expect(resilience.isUsable(tried.targets, 1000)).toBe(false);
    expect(resilience.usable([sol, sonnet], 1000).steps).toEqual([sol, sonnet]);
  });

  it('gives models on trial a quarter of the places, and lets nobody wait for one', async () => {
    const { concurrency } = config;
    resilience = createResilience(
      () => ({ ...config, concurrency: { ...concurrency, per_provider: 8 } }),
      () => 0,
    );
    const tried = { ...luna.targets, isTrial: true };
    const { signal } = new AbortController();
    const first = await resilience.acquire(tried, signal);
    await resilience.acquire(tried, signal);
    await expect(resilience.acquire(tried, signal)).rejects.toThrow('no place');
    expect(resilience.states(0).underWay).toEqual([{ target: 'openai', underWay: 2, waiting: 0 }]);
    first();
    await resilience.acquire(tried, signal);
    for (let place = 0; place < 6; place += 1) await resilience.acquire(sol.targets, signal);
    first();
    expect(resilience.states(0).underWay).toEqual([{ target: 'openai', underWay: 8, waiting: 0 }]);
  });

  it('skips only the model where another of the provider answers', () => {
    for (let turn = 0; turn < 5; turn += 1) {
      call(luna, failure('server', 500), 1000);
      call(sol, 'success', 1000);
    }
    expect(resilience.usable(chain, 1000).steps).toEqual([sol, sonnet]);
  });

  it('keeps to a Retry-After for the model under that key alone', () => {
    const other = { targets: callTargets('openai', '2', 'openai/gpt-6-luna') };
    const limited = { targets: callTargets('openai', '1', 'openai/gpt-6-luna') };
    call(limited, failure('rate_limit', 429, 20), 1000);
    expect(resilience.usable([limited, other, sol], 20_999).steps).toEqual([other, sol]);
    expect(resilience.usable([limited, other, sol], 21_000).steps).toHaveLength(3);
    call(other, failure('rate_limit', 429, 0), 1000);
    call(other, failure('rate_limit', 429), 1000);
    expect(resilience.isUsable(other.targets, 1000)).toBe(true);
  });

  it('puts a refused key aside at once, but not for a model that it may not use', () => {
    call(luna, failure('auth', 403), 1000);
    expect(resilience.usable(chain, 1000).steps).toEqual([sol, sonnet]);
    call(sol, failure('auth', 401), 1000);
    expect(resilience.usable(chain, 1000).steps).toEqual([sonnet]);
    const mini = { targets: callTargets('openai', null, 'openai/gpt-6-mini') };
    expect(resilience.beforeCall(sol.targets, false, 6000)).toBeNull();
    expect(resilience.beforeCall(mini.targets, false, 6000)).toBe('ejected');
    resilience.afterCall(sol.targets, 'success', 6000, 6001);
    expect(resilience.beforeCall(luna.targets, false, 6001)).toBeNull();
    expect(resilience.beforeCall(luna.targets, false, 6001)).toBe('ejected');
  });

  it('forgets ejections for a request that has nothing else', () => {
    for (const step of chain) for (let turn = 0; turn < 5; turn += 1) call(step, failure('server', 500), 1000);
    const { steps, isPanic } = resilience.usable(chain, 1000);
    expect(steps).toBe(chain);
    expect(isPanic).toBe(true);
    expect(resilience.beforeCall(luna.targets, isPanic, 1000)).toBeNull();
    expect(resilience.usable([luna], 1000).isPanic).toBe(true);
  });

  it('throttles a model that answers too much, but not the probe of an ejection', () => {
    call(luna, failure('rate_limit', 429), 1000);
    expect(resilience.beforeCall(luna.targets, false, 1000)).toBe('throttled');
    expect(resilience.beforeCall(sol.targets, false, 1000)).toBeNull();
    for (let turn = 0; turn < 5; turn += 1) resilience.afterCall(luna.targets, failure('timeout'), 999, 1000);
    expect(resilience.states(1000)).toMatchObject({
      ejected: [{ target: 'openai' }, { target: 'openai/gpt-6-luna' }],
      throttled: [{ target: 'openai/gpt-6-luna' }],
    });
    expect(resilience.beforeCall(luna.targets, false, 6000)).toBeNull();
  });

  it('does not throttle where it is switched off', () => {
    resilience = createResilience(
      () => ({ ...config, throttle: { ...config.throttle, enabled: false } }),
      () => 0,
    );
    call(luna, failure('rate_limit', 429), 1000);
    expect(resilience.beforeCall(luna.targets, false, 1000)).toBeNull();
  });

  it('frees the probe of a call that was cancelled', () => {
    for (let turn = 0; turn < 5; turn += 1) call(luna, failure('network'), 1000);
    expect(resilience.beforeCall(luna.targets, false, 6000)).toBeNull();
    resilience.afterCall(luna.targets, 'cancelled', 6000, 6001);
    expect(resilience.beforeCall(luna.targets, false, 6002)).toBeNull();
  });

  it('limits the calls of a provider at once', async () => {
    const concurrency = { per_provider: 1, max_waiting: 0, max_wait_ms: 1000 };
    resilience = createResilience(
      () => ({ ...config, concurrency }),
      () => 0,
    );
    const { signal } = new AbortController();
    const release = resilience.acquire(luna.targets, signal);
    expect(release).toBeTypeOf('function');
    await expect(resilience.acquire(sol.targets, signal)).rejects.toMatchObject({ reason: 'queue_full' });
    expect(resilience.states(0).underWay).toEqual([{ target: 'openai', underWay: 1, waiting: 0 }]);
  });

  it('hedges only where it is switched on', () => {
    expect(resilience.hedgeDelayMs(900)).toBeNull();
    resilience = createResilience(
      () => ({ ...config, hedge: { ...config.hedge, enabled: true } }),
      () => 0,
    );
    expect(resilience.hedgeDelayMs(900)).toBe(900);
    expect(resilience.hedgeDelayMs(null)).toBeNull();
  });
});
