import { createHash } from 'node:crypto';
import { complexities } from '../../src/contracts/query-class.ts';
import type { Prior } from '../../src/prediction/prior.ts';
import type { ClassifiedPrompts } from './classifier.ts';
import { leastPrompts } from './fit-prior.ts';
import type { OtherData, UnknownModels } from './held-out.ts';
import type { PublicRow } from './public-data.ts';
import { topicNames } from './topic-labels.ts';

export interface Findings {
  rows: readonly PublicRow[];
  prior: Prior;
  bytes: Uint8Array;
  unknownModels: UnknownModels;
  otherData: readonly OtherData[];
  classified: readonly ClassifiedPrompts[];
}

/** What the prior was learned from and how good it is, as a page of Markdown. */
export function writeReport({ rows, prior, bytes, unknownModels, otherData, classified }: Findings): string {
  return `# The prior

What \`prior.bin\` was learned from, and what it is worth on what it has not seen. [What it is for](../../../docs/prediction.md).
Both files are written by \`npm run train:prior\`, the same bytes each time.

## Learned from

${rows.length.toLocaleString('en')} prompts, each answered by two or nine models, with how good the answers were. Prompts that
come twice in a source, and those that RouteLLM marks as seen by its own routers, are left out.

| source | commit | licence | prompts |
|---|---|---|---|
| [LLMRouter](https://github.com/ulab-uiuc/LLMRouter), UIUC: 14 tasks, 9 models | 4e7a796, 2025-12-04 | MIT | ${countOf(rows, 'llmrouter14')} |
| [RouteLLM](https://github.com/lm-sys/RouteLLM): MMLU, GSM8K, MT-Bench, 2 models | 0b64fda, 2024-08-09 | Apache-2.0 | ${countOf(rows, 'routellm')} |

The prompts are those of public benchmarks: MMLU, GSM8K, MATH, HumanEval (MIT); MBPP, GPQA (CC BY 4.0); ARC, Natural
Questions, MGSM (CC BY-SA); TriviaQA, OpenBookQA, LogicGrid, MT-Bench (Apache-2.0); CommonsenseQA and CommonGen,
of which the source does not say.

No prompt and no word is in the file: it holds weights of hashed features, and only of such as at least ${leastPrompts} prompts have.
The outcomes of TriviaQA, Natural Questions and CommonGen are the overlap of words with a reference, low for good answers
too, and those of GPT-4 on \`high_school_mathematics\` (3% right) were misread by the source: their prompts tell topics, their
outcomes nothing.

Since the prior has seen these prompts, the file as it is must not be measured on them. The figures below are of priors that
were learned without what they were tried on.

## What is in it

${bytes.length.toLocaleString('en')} bytes, SHA-256 \`${createHash('sha256').update(bytes).digest('hex')}\`: ${topicNames.length} topics, ease and separation
of each, and what features add to both.

| topic | prompts | ease | separation |
|---|---|---|---|
${topicNames
  .map((name, topic) => {
    const count = rows.filter((row) => row.topic === topic).length;
    return `| ${name} | ${count} | ${signed(prior.topicEffects.ease[topic])} | ${signed(prior.topicEffects.separation[topic])} |`;
  })
  .join('\n')}

## Models that nobody has measured

Each model of LLMRouter in turn is unknown but for its mean outcome; the prior is learned from the other eight, on four folds
of the prompts, and tried on the fifth.

| model | mean outcome | Brier score by its mean | by the prior | correlation over tasks | choices |
|---|---|---|---|---|---|
${unknownModels.models
  .map(
    ({ model, mean, brierOfMean, brier, correlation, chosen }) =>
      `| ${model} | ${percent(mean)} | ${brierOfMean.toFixed(4)} | ${brier.toFixed(4)} | ${correlation.toFixed(2)} | ${percent(chosen)} |`,
  )
  .join('\n')}

"Choices": what the model of the highest prediction among all nine answers, when only the means of all nine are known; the
best single model has ${percent(unknownModels.bestSingle)}. Without a price there is nothing to win here: what the prior tells is where a
weak model will do. True deviations of tasks from the mean of a model are ${unknownModels.slope.toFixed(2)} times the predicted ones.
(\`llama3-chatqa-1.5-70b\` fails on nearly all multiple choice, whatever its topic: no other model tells that of it.)

## The other data set

Learned from the outcomes of one data set, tried on those of the other, two models of which only the means are known: APGR as
RouteLLM defines it, 0.5 by chance. Questions that are in both are left out. Chance alone moves the figure by about 0.02 on
MMLU and 0.05 on GSM8K. "Own": topics from the prompts of the first data set; "both": from those of both, without outcomes. The
few settings of the method were chosen on these data.

| learned from | tried on | pair | prompts | own topics | topics of both |
|---|---|---|---|---|---|
${otherData
  .filter(({ topicsOfBoth }) => !topicsOfBoth)
  .map((own) => {
    const both = otherData.find(
      (one) =>
        one.topicsOfBoth && one.benchmark === own.benchmark && one.strong === own.strong && one.weak === own.weak,
    );
    return `| ${own.learnedFrom} | ${own.benchmark} | ${own.strong}, ${own.weak} | ${own.prompts} | ${own.apgr.toFixed(3)} | ${(both?.apgr ?? NaN).toFixed(3)} |`;
  })
  .join('\n')}

## The classifier

Mean outcome of all models on what \`classify\` calls simple, medium and complex, and the number of prompts. It should fall from
left to right. What it is, nobody has labelled, so that confidences cannot be held against it.

| benchmark | ${complexities.join(' | ')} |
|---|---|---|---|
${[...new Set(classified.map(({ benchmark }) => benchmark))]
  .map((benchmark) => {
    const own = classified.filter((one) => one.benchmark === benchmark);
    return `| ${benchmark} | ${own.map(({ outcome, prompts }) => `${percent(outcome)} (${prompts})`).join(' | ')} |`;
  })
  .join('\n')}
`;
}

const countOf = (rows: readonly PublicRow[], source: string): string =>
  rows.filter((row) => row.source === source).length.toLocaleString('en');
const percent = (share: number): string => `${(100 * share).toFixed(2)}%`;
const signed = (value: number | undefined): string =>
  `${(value ?? 0) < 0 ? '−' : '+'}${Math.abs(value ?? 0).toFixed(2)}`;
