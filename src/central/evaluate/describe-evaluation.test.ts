import { expect, it } from 'vitest';
import type { Estimate, MeasureEstimate } from '../../statistics/off-policy.ts';
import { describeEvaluation, type EvaluationFindings } from './describe-evaluation.ts';

const about = (value: number, halfWidth: number): Estimate => ({
  value,
  interval: [value - halfWidth, value + halfWidth],
});

function aMeasure(changes: Partial<MeasureEstimate> = {}): MeasureEstimate {
  const estimate = { ...about(0.9, 0.01), difference: about(0.05, 0.01) };
  return {
    count: 1000,
    effectiveCount: 500,
    logged: about(0.85, 0.01),
    snips: estimate,
    doublyRobust: estimate,
    ...changes,
  };
}

function describe(changes: Partial<EvaluationFindings> = {}, overlap: Partial<EvaluationFindings['overlap']> = {}) {
  return describeEvaluation({
    overlap: {
      count: 1000,
      effectiveCount: 500,
      unsupportedShare: 0,
      changedShare: 0.3,
      sureShare: 0.1,
      meanWeight: about(1, 0.05),
      ...overlap,
    },
    estimates: [{ measure: 'success', estimate: aMeasure() }],
    unseenShare: 0,
    longListShare: 0,
    follows: [],
    nothingAllowedShare: 0,
    ...changes,
  });
}

it('says in words what is sure, and in which direction', () => {
  expect(describe()).toMatchObject({
    can_tell: true,
    warnings: [],
    summary: [
      'The candidate would have chosen another model than was served in 30% of 1000 decisions.',
      'The success rate would have been higher by 5.0 points (4.0 points to 6.0 points).',
    ],
  });
  const unsure = aMeasure({ doublyRobust: { ...about(2, 1), difference: about(-0.001, 0.002) } });
  expect(describe({ estimates: [{ measure: 'cost_usd', estimate: unsure }] }).summary[1]).toBe(
    'Of the cost of a request the data shows no difference: between $0.003 lower and $0.001 higher.',
  );
});

it.each<[string, Partial<EvaluationFindings>, Partial<EvaluationFindings['overlap']>, RegExp]>([
  [
    'few effective decisions',
    {},
    { effectiveCount: 99 },
    /^the effective sample size is 99, and below 100 nothing is sure/,
  ],
  ['no trials', {}, { sureShare: 1, unsupportedShare: 0.01 }, /^nothing was tried out in this window/],
  [
    'choices without support',
    {},
    { unsupportedShare: 0.06 },
    /^in 6\.0% of the decisions the candidate chooses a model that/,
  ],
  [
    'models that were never allowed',
    { unseenShare: 0.06 },
    {},
    /^in 6\.0% of the decisions the candidate allows models that/,
  ],
  [
    'requests that it refuses',
    { nothingAllowedShare: 0.5 },
    {},
    /^in 50% of the decisions the candidate allows no model/,
  ],
])('gives no number for %s', (_, findings, overlap, warning) => {
  const { can_tell, warnings, measures, summary } = describe(findings, overlap);
  expect({ can_tell, warnings: warnings.length }).toEqual({ can_tell: false, warnings: 1 });
  expect(warnings[0]).toMatch(warning);
  expect(measures[0]).toMatchObject({ snips: null, doubly_robust: null, logged: { value: 0.85 } });
  expect(summary.at(-1)).toMatch(/cannot tell/);
});

it.each<[string, Partial<EvaluationFindings>, Partial<EvaluationFindings['overlap']>, RegExp]>([
  [
    'a few choices without support',
    {},
    { unsupportedShare: 0.02, meanWeight: about(0.98, 0.05) },
    /^2\.0% of the new choices/,
  ],
  ['a few models that were never allowed', { unseenShare: 0.01 }, {}, /^in 1\.0% of the decisions/],
  ['a few refusals', { nothingAllowedShare: 0.01 }, {}, /^1\.0% of the requests would have been refused/],
  ['lists that were cut', { longListShare: 1 }, {}, /^100% of the decisions had more candidates/],
  ['a goal of its own', { follows: ['quality_floor'] }, {}, /^quality_floor is not followed/],
  ['weights that do not fit', {}, { meanWeight: about(1.3, 0.1) }, /^the mean weight is 1\.300 where 1\.000 is due/],
  [
    'estimates that contradict each other',
    {
      estimates: [
        { measure: 'worth', estimate: aMeasure({ snips: { ...about(0.8, 0.01), difference: about(-0.05, 0.01) } }) },
      ],
    },
    {},
    /^the two estimates of the worth contradict each other/,
  ],
  [
    'a cost that is often unknown',
    {
      estimates: [
        { measure: 'success', estimate: aMeasure() },
        { measure: 'cost_usd', estimate: aMeasure({ count: 900 }) },
      ],
    },
    {},
    /^the cost of a request is not known of 100 decisions/,
  ],
  [
    'a measure that few decisions know',
    {
      estimates: [
        { measure: 'success', estimate: aMeasure() },
        { measure: 'cost_usd', estimate: aMeasure({ effectiveCount: 50 }) },
      ],
    },
    {},
    /^too few decisions say anything about the cost of a request$/,
  ],
])('gives the numbers, with a word of caution, for %s', (_, findings, overlap, warning) => {
  const { can_tell, warnings } = describe(findings, overlap);
  expect({ can_tell, warnings: warnings.length }).toEqual({ can_tell: true, warnings: 1 });
  expect(warnings[0]).toMatch(warning);
});
