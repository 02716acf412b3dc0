import { predict } from '../prediction/predictor.ts';
import type { EvaluationRow } from '../prediction/evaluate/rows.ts';
import type { Run } from '../prediction/evaluate/run.ts';
import { classify } from '../router/classify/classify.ts';
import { hashFeatures, sampleOf } from '../router/classify/hash-features.ts';
import { tokenise } from '../router/classify/tokens.ts';

/** What a decision takes in this process, in microseconds. */
export interface DecisionTime {
  p50Us: number;
  p99Us: number;
}

/** The parts of a decision, each in what comes before the next. */
export const decisionParts = ['features', 'classify', 'predict', 'select', 'all'] as const;
export type DecisionPart = (typeof decisionParts)[number];

const samples = 3000;

/**
 * Times decisions on rows, over and over, after so many that do not count: hashed features, query class, predictions,
 * the ranked models.
 */
export function timeDecisions(
  { predictor, choose }: Run['last'],
  rows: readonly EvaluationRow[],
  warmUps = 3000,
): Record<DecisionPart, DecisionTime> {
  const times: Record<DecisionPart, number[]> = { features: [], classify: [], predict: [], select: [], all: [] };
  for (let sample = -warmUps; sample < samples; sample += 1) {
    const row = rows[(sample + warmUps) % rows.length] as EvaluationRow;
    const start = performance.now();
    const tokens = tokenise(row.prompt.question);
    const features = sampleOf(hashFeatures(row.prompt, tokens));
    const hashed = performance.now();
    classify(row.prompt, tokens);
    const classified = performance.now();
    const { means } = predict(predictor, features);
    const predicted = performance.now();
    choose(row, means, 0.5);
    const chosen = performance.now();
    if (sample < 0) continue;
    times.features.push(hashed - start);
    times.classify.push(classified - hashed);
    times.predict.push(predicted - classified);
    times.select.push(chosen - predicted);
    times.all.push(chosen - start);
  }
  return Object.fromEntries(decisionParts.map((part) => [part, quantilesUs(times[part])])) as Record<
    DecisionPart,
    DecisionTime
  >;
}

function quantilesUs(timesMs: number[]): DecisionTime {
  timesMs.sort((a, b) => a - b);
  const quantile = (share: number): number => 1000 * (timesMs[Math.floor(share * (timesMs.length - 1))] ?? NaN);
  return { p50Us: quantile(0.5), p99Us: quantile(0.99) };
}
