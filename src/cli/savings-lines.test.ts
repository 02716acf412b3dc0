import pc from 'picocolors';
import { expect, it } from 'vitest';
import type { Savings } from '../contracts/savings.ts';
import { savingsLines } from './savings-lines.ts';

const savings: Savings = {
  since: '2026-01-01T10:00:00Z',
  until: '2026-01-02T10:30:00Z',
  requests: { answered: 120, left_out: 0 },
  spent: {
    choices_usd: 0.5,
    fallbacks_usd: 0.0123456,
    hedges_usd: 0,
    copies_usd: 0,
    judges_usd: 0,
    race_losers_usd: 0,
    total_usd: 0.5123456,
    unused_usd: 0.001,
    explored: 7,
    exploration_usd: -0.02,
  },
  baseline: {
    model: 'large',
    provider: 'one',
    chosen_by: 'estimate',
    success_rate: 0.95,
    cost_usd: 2,
    own_output: 120,
    same_output: 0,
  },
  saved: { usd: 1.4876544, share: 0.7438272 },
  quality: {
    decisions: { read: 120, used: 120, limit_reached: false },
    success: { value: 0.93, interval: [0.9, 0.96] },
    baseline_success: { value: 0.95, interval: [0.92, 0.98] },
    baseline_success_snips: 0.95,
    effective_sample_size: 110,
    quality_ratio: { value: 0.979, interval: [0.95, 1.01] },
    believed_ratio: 0.985,
    floor: 0.98,
    holds: null,
  },
  notes: [],
};
const linesOf = (changes: Partial<Savings>): string[] =>
  savingsLines({ ...savings, ...changes }, pc.createColors(false));

it('shows what was spent, what it would have been, and what became of quality', () => {
  expect(linesOf({})).toEqual([
    '120 automatic requests answered since 2026-01-01T10:00:00Z',
    '',
    'chosen models  $0.5     7 trials cost $0.02 less than the best would have',
    'fallbacks      $0.0123',
    'spent          $0.512   $0.001 of it for answers that nobody got',
    'large for all  $2.00    the best single model',
    'saved          $1.49    74.4%',
    '',
    'success of the first choice 93.0% (95%: 90.0% to 96.0%)',
    'success of large alone 95.0% (95%: 92.0% to 98.0%)',
    'quality beside large 97.9% (95%: 95.0% to 101.0%)',
    'floor 98.0%: the data cannot tell whether it is kept',
  ]);
});

it('says what is not known', () => {
  const { quality } = savings;
  const lines = linesOf({
    baseline: null,
    saved: null,
    quality: { ...quality, baseline_success: null, quality_ratio: null, floor: null },
    notes: ['no model is known well enough'],
  });
  expect(lines.slice(4)).toEqual([
    'spent          $0.512   $0.001 of it for answers that nobody got',
    '',
    'success of the first choice 93.0% (95%: 90.0% to 96.0%)',
    'quality beside the best single model 98.5%, by what was believed of both',
    '! no model is known well enough',
  ]);
});
