import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { type Answer, type Extraction, extractAnswer } from './answer.ts';
import { type LaneEnd, type RaceOptions, runRace } from './run-race.ts';
import { bestStrategy, consensusStrategy, firstStrategy } from './strategies.ts';

const text: Extraction = { kind: 'text', similarity: 1 };

/** A lane that ends after some time, or when it is told to. */
function lane(ms: number, end: LaneEnd<string>, seen: { abortedAtMs?: number } = {}) {
  return (signal: AbortSignal): Promise<LaneEnd<string>> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => resolve(end), ms);
      signal.addEventListener(
        'abort',
        () => {
          clearTimeout(timer);
          seen.abortedAtMs = performance.now();
          resolve({ kind: 'error', reason: 'too late' });
        },
        { once: true },
      );
    });
}

const says = (answer: string): LaneEnd<string> => ({ kind: 'answered', answer });
const fails: LaneEnd<string> = { kind: 'error', reason: 'server 500' };

type Lane = (signal: AbortSignal) => Promise<LaneEnd<string>>;
function race(lanes: readonly Lane[], options: Partial<RaceOptions<string>> = {}) {
  return runRace<string>({
    lanes: lanes.length,
    strategy: firstStrategy(),
    timeoutMs: 5000,
    callerSignal: new AbortController().signal,
    nowMs: () => performance.now(),
    run: (index, signal) => (lanes[index] as Lane)(signal),
    ...options,
  });
}

const consensus = (count: number, staged = false, minAgreement = 0.5) =>
  consensusStrategy<string>({
    voters: Array.from({ length: count }, (_, index) => ({ lane: index, weight: 1, model: `m${index}` })),
    extraction: text,
    minAgreement,
    staged,
    answerOf: (answer) => extractAnswer(answer, text) as Answer,
  });

describe('first', () => {
  it('ends the losers at once, and does not wait for them', async () => {
    const seen: { abortedAtMs?: number } = {};
    const stubborn: Lane = () => new Promise((resolve) => setTimeout(() => resolve(says('late')), 150));
    const startedAt = performance.now();
    const result = await race([lane(2000, says('slow'), seen), lane(10, says('fast')), stubborn]);
    expect(result.winner).toEqual({ lane: 1, answer: 'fast' });
    expect(performance.now() - startedAt).toBeLessThan(140);
    expect(seen.abortedAtMs).toBeDefined();
    const settled = await result.settled;
    expect(settled.map(({ end }) => end.kind)).toEqual(['cancelled', 'answered', 'cancelled']);
    expect(settled[2]?.end).toEqual({ kind: 'cancelled', reason: 'decided' });
  });

  it('ends what a loser holds that answered in the same moment', async () => {
    const discarded: Array<[number, string]> = [];
    const atOnce =
      (answer: string): Lane =>
      () =>
        Promise.resolve(says(answer));
    const result = await race([atOnce('answer 0'), atOnce('answer 1'), atOnce('answer 2')], {
      discard: (index, answer) => void discarded.push([index, answer]),
    });
    expect(result.winner?.lane).toBe(0);
    await result.settled;
    expect(discarded.toSorted(([a], [b]) => a - b)).toEqual([
      [1, 'answer 1'],
      [2, 'answer 2'],
    ]);
  });

  it('does not mind what a loser throws once it was told to end', async () => {
    const throws: Lane = (signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('too late'))));
    const result = await race([lane(1, says('quick')), throws]);
    expect(result.winner?.answer).toBe('quick');
    expect(await result.settled).toMatchObject([{}, { end: { kind: 'cancelled', reason: 'decided' } }]);
  });

  it('is not won by a failure, however fast, and has a latency for it', async () => {
    const result = await race([lane(5, fails), lane(30, says('b')), () => Promise.reject(new TypeError('secret'))]);
    expect(result.winner).toEqual({ lane: 1, answer: 'b' });
    const [failed, , thrown] = await result.settled;
    expect((failed?.endedAtMs ?? 0) - (failed?.startedAtMs ?? 0)).toBeGreaterThanOrEqual(4);
    expect(thrown?.end).toEqual({ kind: 'error', reason: 'TypeError' });
  });

  it('has no winner where nobody answers', async () => {
    const result = await race([lane(5, fails), lane(5, { kind: 'invalid', reason: 'empty' })]);
    expect(result).toMatchObject({ winner: null, reason: 'no lane answered' });
  });
});

describe('best', () => {
  it('takes the most confident answer, of equals the one that came first', async () => {
    const by = (values: number[]) =>
      bestStrategy<string>((index) => ({ value: values[index] ?? 0, model: 'm', meanLogprob: null }));
    const lanes = [lane(20, says('a')), lane(10, says('b')), lane(5, fails)];
    expect((await race(lanes, { strategy: by([0.9, 0.5, 1]) })).winner?.answer).toBe('a');
    expect((await race(lanes, { strategy: by([0.5, 0.5, 1]) })).winner?.answer).toBe('b');
  });

  it('takes what there is when time is up', async () => {
    const strategy = bestStrategy<string>(() => ({ value: 1, model: 'm', meanLogprob: null }));
    const result = await race([lane(5, says('in time')), lane(5000, says('late'))], { strategy, timeoutMs: 40 });
    expect(result.winner?.answer).toBe('in time');
    expect((await result.settled)[1]?.end).toEqual({ kind: 'cancelled', reason: 'timeout' });
  });
});

describe('consensus', () => {
  it('stops as soon as nothing can change it', async () => {
    const seen: { abortedAtMs?: number } = {};
    const result = await race([lane(5, says('Paris')), lane(10, says('paris')), lane(5000, says('London'), seen)], {
      strategy: consensus(3),
    });
    expect(result).toMatchObject({ winner: { lane: 0, answer: 'Paris' }, agreement: 1, margin: 2 });
    await result.settled;
    expect(seen.abortedAtMs).toBeDefined();
  });

  it('starts with a majority, and adds lanes only where they disagree', async () => {
    const started: number[] = [];
    const run = (answers: string[]) =>
      race(
        answers.map((answer, index): Lane => (signal) => {
          started.push(index);
          return lane(5, says(answer))(signal);
        }),
        { strategy: consensus(answers.length, true) },
      );
    expect((await run(['a', 'a', 'a', 'b', 'c'])).winner?.answer).toBe('a');
    expect(started).toEqual([0, 1, 2]);
    started.length = 0;
    const result = await run(['a', 'b', 'a', 'a', 'c']);
    expect(result.winner?.answer).toBe('a');
    expect(started).toEqual([0, 1, 2, 3]);
    const last = (await result.settled)[4];
    expect(last).toMatchObject({ end: { kind: 'cancelled' }, startedAtMs: null });
  });

  it('says so where there is none', async () => {
    const tie = await race([lane(5, says('a')), lane(5, says('b'))], { strategy: consensus(2) });
    expect(tie).toMatchObject({ winner: null, reason: 'no_consensus: tie', agreement: 0.5 });
    const alone = await race([lane(5, says('a')), lane(5, fails), lane(5, fails)], { strategy: consensus(3) });
    expect(alone).toMatchObject({ winner: null, reason: 'no_consensus: too few answers' });
  });

  it('counts what came in time', async () => {
    const lanes = [lane(5, says('a')), lane(5, says('a')), lane(9000, says('b')), lane(9000, says('b'))];
    const result = await race(lanes, { strategy: consensus(4), timeoutMs: 60 });
    expect(result).toMatchObject({ winner: { answer: 'a' } });
  });
});

describe('any race', () => {
  it('ends all lanes when the caller leaves, before or while it runs', async () => {
    for (const delayMs of [0, 20]) {
      const caller = new AbortController();
      if (delayMs === 0) caller.abort();
      else setTimeout(() => caller.abort(), delayMs);
      const result = await race([lane(5000, says('a')), lane(5000, says('b'))], { callerSignal: caller.signal });
      expect(result.winner).toBeNull();
      const settled = await result.settled;
      expect(settled.map(({ end }) => end)).toEqual([0, 1].map(() => ({ kind: 'cancelled', reason: 'caller' })));
    }
  });

  it('keeps its winner when time is up a moment later', async () => {
    const result = await race([lane(5, says('a')), lane(5000, says('b'))], { timeoutMs: 30 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(result.winner?.answer).toBe('a');
    expect((await result.settled)[1]?.end).toEqual({ kind: 'cancelled', reason: 'decided' });
  });

  it('leaves no listener, and no timer that would keep the process', async () => {
    const caller = new AbortController();
    const timersBefore = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    for (let count = 0; count < 10_000; count += 1) {
      const result = await race([() => Promise.resolve(says('a')), lane(60_000, says('b'))], {
        callerSignal: caller.signal,
        timeoutMs: 60_000,
      });
      await result.settled;
    }
    expect(getEventListeners(caller.signal, 'abort')).toHaveLength(0);
    const timersAfter = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    expect(timersAfter).toBeLessThanOrEqual(timersBefore + 2);
  });
});
