import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ConcurrencyLimit, createConcurrencyLimit, type Release } from './concurrency-limit.ts';

const open = new AbortController().signal;
let limit: ConcurrencyLimit;

beforeEach(() => {
  vi.useFakeTimers();
  limit = createConcurrencyLimit(() => ({ limit: 2, maxWaiting: 2 }));
});
afterEach(() => vi.useRealTimers());

/** A place that must be free now. */
function take(target = 'openai'): Release {
  const release = limit.acquire(target, open, 1000);
  if (release instanceof Promise) throw new Error('had to wait');
  return release;
}

/** Asks for a place and notes in `order` when it is given. */
function queue(order: string[], name: string, signal = open): Promise<Release> {
  return Promise.resolve(limit.acquire('openai', signal, 1000)).then((release) => {
    order.push(name);
    return release;
  });
}

/** Why there was no place. */
function refusal(place: Release | Promise<Release>): Promise<unknown> {
  return Promise.resolve(place).then(
    () => null,
    (error: unknown) => error,
  );
}

describe('createConcurrencyLimit', () => {
  it('gives a place at once while there is room, each target having its own', () => {
    take();
    take();
    take('anthropic');
    expect(limit.acquire('openai', open, 1000)).toBeInstanceOf(Promise);
    expect(limit.states()).toEqual([
      { target: 'openai', underWay: 2, waiting: 1 },
      { target: 'anthropic', underWay: 1, waiting: 0 },
    ]);
  });

  it('keeps nothing of a target without calls, however often a place is given back', () => {
    const [first, second] = [take(), take()];
    first();
    first();
    expect(limit.states()).toEqual([{ target: 'openai', underWay: 1, waiting: 0 }]);
    second();
    expect(limit.states()).toEqual([]);
    const third = take();
    second();
    expect(limit.states()).toHaveLength(1);
    third();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('serves those who wait in their order, before newcomers', async () => {
    const [first, second] = [take(), take()];
    const order: string[] = [];
    const waiting = [queue(order, 'a'), queue(order, 'b')];
    first();
    waiting.push(queue(order, 'newcomer'));
    second();
    const [releaseA] = await Promise.all(waiting.slice(0, 2));
    expect(order).toEqual(['a', 'b']);
    releaseA?.();
    await waiting[2];
    expect(order).toEqual(['a', 'b', 'newcomer']);
  });

  it('gives the places of a higher limit to those in line, before newcomers', async () => {
    const options = { limit: 1, maxWaiting: 4 };
    limit = createConcurrencyLimit(() => options);
    const release = take();
    const order: string[] = [];
    const waiting = ['a', 'b', 'c'].map((name) => queue(order, name));
    options.limit = 2;
    waiting.push(queue(order, 'newcomer'));
    await waiting[0];
    expect(limit.states()).toEqual([{ target: 'openai', underWay: 2, waiting: 3 }]);
    options.limit = 4;
    release();
    await Promise.all(waiting);
    expect(order).toEqual(['a', 'b', 'c', 'newcomer']);
  });

  it('refuses where the line is full', async () => {
    take();
    take();
    const waiting = [limit.acquire('openai', open, 1000), limit.acquire('openai', open, 1000)];
    await expect(limit.acquire('openai', open, 1000)).rejects.toMatchObject({ target: 'openai', reason: 'queue_full' });
    expect(waiting).toHaveLength(2);
  });

  it('refuses who has waited too long, and keeps the place for the next', async () => {
    const release = take();
    take();
    const late = refusal(limit.acquire('openai', open, 100));
    const order: string[] = [];
    const client = new AbortController();
    const patient = queue(order, 'patient', client.signal);
    await vi.advanceTimersByTimeAsync(100);
    expect(await late).toMatchObject({ reason: 'waited_too_long' });
    release();
    await patient;
    expect(order).toEqual(['patient']);
    expect(getEventListeners(client.signal, 'abort')).toEqual([]);
  });

  it('refuses who has gone, before and while waiting', async () => {
    await expect(limit.acquire('openai', AbortSignal.abort(), 1000)).rejects.toMatchObject({ reason: 'aborted' });
    take();
    take();
    const client = new AbortController();
    const gone = refusal(limit.acquire('openai', client.signal, 1000));
    client.abort();
    expect(await gone).toMatchObject({ reason: 'aborted' });
    expect(getEventListeners(client.signal, 'abort')).toEqual([]);
    expect(limit.states()).toEqual([{ target: 'openai', underWay: 2, waiting: 0 }]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('never has more under way than allowed, loses no place and leaves nothing behind', async () => {
    const action = fc.oneof(fc.constant('ask'), fc.constant('ask'), fc.constant('release'), fc.constant('abort'));
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
        limit = createConcurrencyLimit(() => ({ limit: 2, maxWaiting: 3 }));
        const held: Release[] = [];
        const clients: AbortController[] = [];
        for (const kind of actions) {
          if (kind === 'ask') {
            const client = new AbortController();
            clients.push(client);
            const place = limit.acquire('openai', client.signal, 1000);
            if (place instanceof Promise) {
              place.then(
                (release) => held.push(release),
                () => undefined,
              );
            } else held.push(place);
          } else if (kind === 'release') held.shift()?.();
          else clients.shift()?.abort();
          await Promise.resolve();
          await Promise.resolve();
          const [state] = limit.states();
          expect(held.length).toBe(state?.underWay ?? 0);
          expect(held.length).toBeLessThanOrEqual(2);
          expect(state?.waiting ?? 0).toBeLessThanOrEqual(held.length === 2 ? 3 : 0);
        }
        for (const client of clients) client.abort();
        for (let release = held.shift(); release !== undefined; release = held.shift()) {
          release();
          await vi.advanceTimersByTimeAsync(0);
        }
        await vi.advanceTimersByTimeAsync(1000);
        expect(limit.states()).toEqual([]);
        expect(vi.getTimerCount()).toBe(0);
      }),
    );
  });
});
