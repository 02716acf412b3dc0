import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { messageOf, StartupError } from '../platform/core/errors.ts';
import type { EvaluationRow, Outcome } from '../prediction/evaluate/rows.ts';
import { hashFeatures, sampleOf } from '../router/classify/hash-features.ts';
import { charactersOf, createPromptBuilder, type Prompt } from '../router/classify/prompt.ts';

/** Recorded outcomes, as read from one file or two. */
export interface EvaluationData {
  /** Models in the order in which they appear. */
  models: string[];
  /** Rows of the data, each prompt once. */
  rows: EvaluationRow[];
  /** Rows of the training file that no row of the data repeats; null where there is no such file. */
  training: EvaluationRow[] | null;
  /** What was done to the data on the way, a sentence each. */
  notes: string[];
}

const folds = 5;
/** Output tokens that a cost is worked out with where only prices and input are known. */
const assumedOutputTokens = 256;
/** Bytes of text that a token stands for where tokens were not counted. */
const bytesPerToken = 4;
/** What scores may run up to; the lowest that holds all of them is the one. */
const scoreScales = [1, 10, 100];

const amount = z.number().min(0);
const text = z.string().min(1);
const rowSchema = z
  .looseObject({
    id: z.union([text, z.int().transform(String)]),
    prompt: z.string(),
    tools: z.array(z.unknown()).nullish(),
    fold: z
      .int()
      .min(0)
      .max(folds - 1)
      .nullish(),
    order: z.union([z.string(), z.number().transform(String)]).nullish(),
    task: text.nullish(),
    contaminated: z.boolean().nullish(),
    tokens_in_est: amount.nullish(),
    outcomes: z.record(text, z.looseObject({ score: amount, cost_usd: amount }).nullable()).optional(),
    scores: z.record(text, amount.nullable()).optional(),
  })
  .refine(({ outcomes, scores }) => outcomes !== undefined || scores !== undefined, 'has neither outcomes nor scores');
type Row = z.infer<typeof rowSchema>;

const pricesSchema = z.record(text, z.looseObject({ input_usd_per_mtok: amount, output_usd_per_mtok: amount }));
type Prices = z.infer<typeof pricesSchema>;

/** What the paper of RouteLLM takes its two models to cost. */
const routeLlmPrices: Prices = {
  'gpt-4-1106-preview': { input_usd_per_mtok: 24.7, output_usd_per_mtok: 24.7 },
  'mixtral-8x7b-instruct-v0.1': { input_usd_per_mtok: 0.24, output_usd_per_mtok: 0.24 },
};

/**
 * Reads recorded outcomes from JSON Lines, unpacked if the name ends in `.gz`.
 *
 * @throws StartupError with one line that names the file, and the line of what is wrong in it.
 */
export function readData(file: string, trainingFile: string | null): EvaluationData {
  const own = readRows(file);
  const other = trainingFile === null ? null : readRows(trainingFile);
  const notes = new Set<string>();
  const files = [own, ...(other === null ? [] : [other])];
  const scale = scaleOf(files);
  if (scale > 1) notes.add(`scores run above 1: they are taken to be of ${scale}, and divided by it`);

  const models = [...new Set(files.flatMap(({ rows }) => rows.flatMap(({ row }) => namesOf(row))))];
  const prompts = distinct(own, notes);
  if (!prompts.some(({ isContaminated }) => !isContaminated)) throw new StartupError(`${file}: has no row to test`);
  const rows = toRows(own, prompts, models, scale, notes);
  if (other === null) return { models, rows, training: null, notes: [...notes] };

  const tested = new Set(prompts.map(({ key }) => key));
  const usable = distinct(other, notes).filter(({ isContaminated }) => !isContaminated);
  const untested = usable.filter(({ key }) => !tested.has(key));
  if (untested.length < usable.length) {
    notes.add(`${usable.length - untested.length} training rows are left out: their prompts are tested`);
  }
  if (untested.length === 0) throw new StartupError(`${other.file}: has no row to train on`);
  return { models, rows, training: toRows(other, untested, models, scale, notes), notes: [...notes] };
}

interface ReadFile {
  file: string;
  rows: ReadonlyArray<{ row: Row; line: number }>;
}

function readRows(file: string): ReadFile {
  let content: string;
  try {
    const bytes = readFileSync(file);
    content = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (error) {
    throw new StartupError(`${file}: ${messageOf(error)}`, { cause: error });
  }
  const lines = content.split('\n').map((line, index) => ({ line, number: index + 1 }));
  const rows = lines
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, number }) => ({ row: readRow(file, line, number), line: number }));
  if (rows.length === 0) throw new StartupError(`${file}: is empty`);
  const firstLines = new Map<string, number>();
  for (const { row, line } of rows) {
    const first = firstLines.get(row.id);
    if (first !== undefined) throw new StartupError(`${file}:${line}: has the id of line ${first}, ${row.id}`);
    firstLines.set(row.id, line);
  }
  return { file, rows };
}

function readRow(file: string, line: string, number: number): Row {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new StartupError(`${file}:${number}: is not JSON`, { cause: error });
  }
  const { data, error } = rowSchema.safeParse(value);
  if (data === undefined) {
    const [issue] = error.issues;
    const path = issue?.path.join('.') ?? '';
    throw new StartupError(`${file}:${number}: ${path === '' ? '' : `${path}: `}${issue?.message ?? 'is no row'}`);
  }
  if (namesOf(data).length === 0) throw new StartupError(`${file}:${number}: has no outcome of any model`);
  return data;
}

const namesOf = ({ outcomes, scores }: Row): string[] =>
  Object.entries(outcomes ?? scores ?? {}).flatMap(([name, outcome]) => (outcome === null ? [] : [name]));

function scaleOf(files: readonly ReadFile[]): number {
  let highest = 0;
  for (const { file, rows } of files) {
    for (const { row, line } of rows) {
      for (const outcome of Object.values(row.outcomes ?? row.scores ?? {})) {
        const score = typeof outcome === 'number' ? outcome : (outcome?.score ?? 0);
        if (score > (scoreScales.at(-1) as number)) {
          throw new StartupError(`${file}:${line}: has a score of ${score}, above ${scoreScales.at(-1)}`);
        }
        highest = Math.max(highest, score);
      }
    }
  }
  return scoreScales.find((scale) => highest <= scale) as number;
}

/** One prompt of a file, by its first row. */
interface DistinctPrompt {
  key: string;
  row: Row;
  ids: string[];
  isContaminated: boolean;
}

/** Each prompt once, and what that leaves out. Prompts that differ in spaces or capitals alone are one. */
function distinct({ rows }: ReadFile, notes: Set<string>): DistinctPrompt[] {
  const prompts = new Map<string, DistinctPrompt>();
  for (const { row } of rows) {
    const key = hashOf(row).toString('hex');
    const known = prompts.get(key) ?? { key, row, ids: [], isContaminated: false };
    known.ids.push(row.id);
    known.isContaminated ||= row.contaminated === true;
    prompts.set(key, known);
  }
  const contaminated = [...prompts.values()].filter(({ isContaminated }) => isContaminated).length;
  if (prompts.size < rows.length) notes.add(`${rows.length - prompts.size} rows repeat a prompt: each counts once`);
  if (contaminated > 0) {
    notes.add(`${contaminated} prompts are marked as contaminated: they are neither learned from nor measured`);
  }
  return [...prompts.values()];
}

function hashOf({ prompt, tools }: Row): Buffer {
  const normalised = prompt.normalize('NFKC').trim().replaceAll(/\s+/g, ' ').toLowerCase();
  const offered = tools == null || tools.length === 0 ? '' : JSON.stringify(tools);
  return createHash('sha256').update(`${normalised}\0${offered}`).digest();
}

function toRows(
  { file, rows }: ReadFile,
  prompts: readonly DistinctPrompt[],
  models: readonly string[],
  scale: number,
  notes: Set<string>,
): EvaluationRow[] {
  const prices = rows.some(({ row }) => row.outcomes === undefined) ? readPrices(file, rows, notes) : {};
  return prompts.map(({ row, ids, isContaminated }) => {
    const inputTokens = row.tokens_in_est ?? Math.floor(Buffer.byteLength(row.prompt) / bytesPerToken);
    const prompt = promptOf(row);
    const outcomeOf = (model: string): Outcome | null => {
      const outcome = row.outcomes?.[model];
      if (outcome != null) return { score: outcome.score / scale, costUsd: outcome.cost_usd };
      const score = row.outcomes === undefined ? row.scores?.[model] : undefined;
      const price = prices[model];
      if (score == null || price === undefined) return null;
      const microUsd = inputTokens * price.input_usd_per_mtok + assumedOutputTokens * price.output_usd_per_mtok;
      return { score: score / scale, costUsd: microUsd / 1e6 };
    };
    const hash = hashOf(row);
    return {
      ids,
      prompt,
      features: sampleOf(hashFeatures(prompt)),
      inputTokens,
      fold: row.fold ?? hash.readUInt32BE(0) % folds,
      order: row.order ?? hash.toString('hex', 4, 10),
      task: row.task ?? null,
      outcomes: models.map(outcomeOf),
      counts: !isContaminated,
    };
  });
}

function readPrices(file: string, rows: ReadFile['rows'], notes: Set<string>): Prices {
  const path = join(dirname(file), 'models.json');
  const names = [...new Set(rows.flatMap(({ row }) => namesOf(row)))];
  let prices: Prices;
  let source: string;
  if (names.every((name) => name in routeLlmPrices)) {
    prices = routeLlmPrices;
    source = '24.7 and 0.24 USD per million tokens, as in the paper of RouteLLM';
  } else {
    let content: unknown;
    try {
      content = JSON.parse(readFileSync(path, 'utf8'));
    } catch (error) {
      const hint = 'rows with scores need prices beside them';
      throw new StartupError(`${path}: ${messageOf(error)} (${hint})`, { cause: error });
    }
    const parsed = pricesSchema.safeParse(content);
    if (parsed.data === undefined) {
      const [issue] = parsed.error.issues;
      throw new StartupError(`${path}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'holds no prices'}`);
    }
    prices = parsed.data;
    source = 'models.json';
  }
  const missing = names.find((name) => prices[name] === undefined);
  if (missing !== undefined) throw new StartupError(`${path}: has no price of ${missing}`);
  notes.add(
    `costs are not recorded: (input tokens + ${assumedOutputTokens}) × price, by ${source}; no answer's length is known`,
  );
  return prices;
}

function promptOf({ prompt, tools }: Row): Prompt {
  const builder = createPromptBuilder();
  builder.addMessage('user', prompt);
  return builder.build(tools?.length ?? 0, charactersOf(tools ?? []));
}
