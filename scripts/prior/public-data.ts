import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import type { Complexity } from '../../src/contracts/query-class.ts';
import { classify } from '../../src/router/classify/classify.ts';
import { hashFeatures } from '../../src/router/classify/hash-features.ts';
import { promptFromText } from '../../src/router/classify/prompt.ts';
import { labelOf } from './topic-labels.ts';

export type Source = 'llmrouter14' | 'routellm';

/** One prompt of the public data, and what became of the models that answered it. */
export interface PublicRow {
  source: Source;
  /** `mmlu`, `gsm8k`, `mt_bench` or `llmrouter14`. */
  benchmark: string;
  task: string;
  topic: number | null;
  /** Its words, by which the two sources can be compared. */
  question: string;
  features: Uint16Array;
  /** The features of the question without choices and how to answer; null where it has none. */
  bareFeatures: Uint16Array | null;
  complexity: Complexity;
  /** Outcome of each model, in [0, 1]. */
  outcomes: ReadonlyMap<string, number>;
  /**
   * True where an outcome says whether the answer was right. False where it is the overlap of words with a reference, which is
   * low for good answers too, and where the source failed to read right answers.
   */
  tellsDifficulty: boolean;
  fold: number;
}

const rowSchema = z.object({
  task: z.string(),
  metric: z.string().optional(),
  benchmark: z.string().optional(),
  contaminated: z.boolean().optional(),
  prompt: z.string(),
  scores: z.record(z.string(), z.number()),
  fold: z.int(),
});

const files: readonly { file: string; source: Source }[] = [
  { file: 'llmrouter14/outcomes.jsonl.gz', source: 'llmrouter14' },
  { file: 'routellm/mmlu.jsonl.gz', source: 'routellm' },
  { file: 'routellm/gsm8k.jsonl.gz', source: 'routellm' },
  { file: 'routellm/mt_bench.jsonl.gz', source: 'routellm' },
];

const overlapMetrics: ReadonlySet<string> = new Set(['f1_score', 'commongen_coverage']);
/** GPT-4 has 3% there, far below chance. */
const misread: ReadonlySet<string> = new Set(['high_school_mathematics']);
/** MT-Bench is scored from 1 to 10. */
const highestJudgement = 10;

/** Where a prompt goes on with choices, or with how to answer. */
const notQuestion = /\n(?:A\. |After careful thought)/;

/** All rows below `folder`; those that were used to train the source's own routers and those that come twice left out. */
export function readPublicData(folder: URL): PublicRow[] {
  const seen = new Set<string>();
  const rows: PublicRow[] = [];
  for (const { file, source } of files) {
    for (const line of gunzipSync(readFileSync(new URL(file, folder)))
      .toString()
      .split('\n')) {
      if (line === '') continue;
      const row = rowSchema.parse(JSON.parse(line));
      const benchmark = row.benchmark ?? source;
      const key = `${source} ${row.prompt}`;
      if (row.contaminated === true || seen.has(key)) continue;
      seen.add(key);
      const task = benchmark === 'mt_bench' ? `mt_bench:${row.task}` : row.task;
      const prompt = promptFromText(row.prompt);
      const bare = row.prompt.split(notQuestion)[0] ?? '';
      rows.push({
        source,
        benchmark,
        task,
        topic: labelOf(task),
        question: bare
          .toLowerCase()
          .replaceAll(/[^a-z0-9]+/g, ' ')
          .trim(),
        features: hashFeatures(prompt),
        bareFeatures: bare.length < row.prompt.length ? hashFeatures(promptFromText(bare)) : null,
        complexity: classify(prompt).complexity,
        outcomes: new Map(
          Object.entries(row.scores).map(([model, score]) => [
            model,
            benchmark === 'mt_bench' ? score / highestJudgement : score,
          ]),
        ),
        tellsDifficulty: !overlapMetrics.has(row.metric ?? '') && !misread.has(row.task),
        fold: row.fold,
      });
    }
  }
  return rows;
}
