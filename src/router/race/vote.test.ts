import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Answer, Extraction } from './answer.ts';
import { chancesOf, countVotes, judge, voteWeight } from './vote.ts';
import { createRandom } from '../../statistics/random.ts';

const exact: Extraction = { kind: 'json', path: [] };
const says = (key: string): Answer => ({ kind: 'exact', key });
const vote = (lane: number, key: string, weight = 1, model = `m${lane}`) => ({
  voter: { lane, weight, model },
  answer: says(key),
});
const rules = { minAgreement: 0.5, leastModels: 2 };

describe('a vote', () => {
  it('weighs by the chance to be right, shared between lanes of one model', () => {
    expect(voteWeight(0.9, 2, 1)).toBeCloseTo(Math.log(9), 12);
    expect(voteWeight(0.9, 11, 1)).toBeCloseTo(Math.log(90), 12);
    expect(voteWeight(0.9, 2, 2)).toBeCloseTo(Math.log(9) / 2, 12);
    expect(voteWeight(1, 2, 1)).toBeCloseTo(Math.log(19), 12);
    expect(voteWeight(0.3, 2, 1)).toBe(0);
  });

  it('goes to the first cluster that says the same', () => {
    const { clusters, votes, weight } = countVotes([vote(2, 'a'), vote(0, 'b', 3), vote(1, 'a')], exact);
    expect(clusters.map(({ lanes, weight: sum }) => [lanes, sum])).toEqual([
      [[0], 3],
      [[2, 1], 2],
    ]);
    expect([votes, weight]).toEqual([3, 5]);
  });
});

describe('the chance of each answer to be right', () => {
  it('follows from the odds of its voters, those that nobody gave among the others', () => {
    // One voter who is right with p = 0.8 among 5 answers: the vote itself says no more than that.
    const alone = countVotes([vote(0, 'a', voteWeight(0.8, 5, 1))], exact);
    expect(chancesOf(alone, 5)[0]).toBeCloseTo(0.8, 12);
    const split = countVotes([vote(0, 'a', voteWeight(0.8, 2, 1)), vote(1, 'b', voteWeight(0.6, 2, 1))], exact);
    // 0.8·0.4 against 0.2·0.6.
    expect(chancesOf(split, 2)[0]).toBeCloseTo(0.32 / 0.44, 12);
  });

  it('is what comes true, where the votes are independent', () => {
    const random = createRandom('chances');
    const accuracies = [0.9, 0.7, 0.6, 0.5];
    const answers = 4;
    let expected = 0;
    let right = 0;
    for (let race = 0; race < 20_000; race += 1) {
      const votes = accuracies.map((accuracy, lane) => {
        const wrong = 1 + Math.floor(random.next() * (answers - 1));
        const key = random.next() < accuracy ? 0 : wrong;
        return vote(lane, String(key), voteWeight(accuracy, answers, 1));
      });
      const standing = countVotes(votes, exact);
      expected += chancesOf(standing, answers)[0] ?? 0;
      right += standing.clusters[0]?.answer.kind === 'exact' && standing.clusters[0].answer.key === '0' ? 1 : 0;
    }
    // Four standard errors.
    expect(Math.abs(expected - right) / 20_000).toBeLessThan(0.01);
  });
});

describe('the verdict', () => {
  it('needs two answers, a lead, and agreement', () => {
    const of = (...votes: ReturnType<typeof vote>[]) => judge(countVotes(votes, exact), 0, rules);
    expect(of()).toMatchObject({ kind: 'no_consensus', reason: 'too_few_answers' });
    expect(of(vote(0, 'a'))).toMatchObject({ kind: 'no_consensus', reason: 'too_few_answers' });
    expect(of(vote(0, 'a'), vote(1, 'b'))).toMatchObject({ kind: 'no_consensus', reason: 'tie' });
    expect(of(vote(0, 'a'), vote(1, 'a'), vote(2, 'b', 1.5), vote(3, 'c', 1.5))).toMatchObject({
      kind: 'no_consensus',
      reason: 'too_little_agreement',
      agreement: 0.4,
    });
    // However much its word weighs, one model agrees with nobody, and no more if it is asked twice.
    expect(of(vote(0, 'a', 3), vote(1, 'b', 1))).toMatchObject({ kind: 'no_consensus', reason: 'nobody_agrees' });
    const twice = [vote(0, 'a', 2, 'm'), vote(1, 'a', 2, 'm'), vote(2, 'b', 1)];
    expect(of(...twice)).toMatchObject({ kind: 'no_consensus', reason: 'nobody_agrees' });
    // Unless it is asked alone.
    expect(judge(countVotes(twice.slice(0, 2), exact), 0, { ...rules, leastModels: 1 }).kind).toBe('consensus');
    expect(of(vote(0, 'a'), vote(1, 'a'), vote(2, 'b'))).toMatchObject({ kind: 'consensus', margin: 1 });
  });

  it('is the same in whatever order equal answers stand', () => {
    const tie = [vote(0, 'a'), vote(1, 'b')];
    const decide = (votes: typeof tie) => judge(countVotes(votes, exact), 0, { minAgreement: 0, leastModels: 1 }).kind;
    expect(decide(tie)).toBe(decide(tie.toReversed()));
  });

  it('given early is that of the full vote, in 10,000 random races', () => {
    const weight = fc.oneof(fc.constant(1), fc.double({ min: 0, max: 3, noNaN: true }));
    const race = fc.record({
      lanes: fc.array(
        fc.record({ key: fc.constantFrom('a', 'b', 'c', null), weight, model: fc.constantFrom('m', 'n', 'o') }),
        { minLength: 1, maxLength: 9 },
      ),
      minAgreement: fc.constantFrom(0, 0.5, 0.67),
      leastModels: fc.constantFrom(1, 2),
    });
    let early = 0;
    fc.assert(
      fc.property(race, ({ lanes, ...wanted }) => {
        const valid = lanes.map(({ key, weight: heavy, model }, lane) =>
          key === null ? [] : [vote(lane, key, heavy, model)],
        );
        const full = judge(countVotes(valid.flat(), exact), 0, wanted);
        for (let arrived = 1; arrived < lanes.length; arrived += 1) {
          const outstanding = lanes.slice(arrived).reduce((sum, lane) => sum + lane.weight, 0);
          const verdict = judge(countVotes(valid.slice(0, arrived).flat(), exact), outstanding, wanted);
          if (verdict.kind === 'open' || outstanding === 0) continue;
          early += 1;
          expect(verdict.kind).toBe('consensus');
          expect(full.kind).toBe('consensus');
          const winners = [verdict, full].map((one) => (one.kind === 'consensus' ? one.cluster.answer : null));
          expect(winners[0]).toEqual(winners[1]);
        }
      }),
      { numRuns: 10_000 },
    );
    expect(early).toBeGreaterThan(1000);
  });
});
