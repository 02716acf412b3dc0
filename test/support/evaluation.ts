import { hashFeatures, sampleOf } from '../../src/router/classify/hash-features.ts';
import { promptFromText } from '../../src/router/classify/prompt.ts';
import type { EvaluationRow } from '../../src/prediction/evaluate/rows.ts';

/** A row of as many models as there are outcomes, for tests. */
export function aRow(
  text: string,
  outcomes: EvaluationRow['outcomes'],
  changes: Partial<EvaluationRow> = {},
): EvaluationRow {
  const prompt = promptFromText(text);
  return {
    ids: [text],
    prompt,
    features: sampleOf(hashFeatures(prompt)),
    inputTokens: 100,
    fold: 0,
    order: text,
    task: null,
    counts: true,
    outcomes,
    ...changes,
  };
}
