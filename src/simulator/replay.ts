import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { z } from 'zod';
import { messageOf, StartupError } from '../platform/core/errors.ts';
import type { Random } from '../statistics/random.ts';
import { normalisePrompt } from './generate/request.ts';

/** A larger file, unpacked, is refused: all answers stay in memory. */
const maxFileBytes = 256 * 1024 * 1024;
const maxRowCharacters = 8 * 1024 * 1024;
const maxRows = 500_000;
const maxModels = 200;

const score = z.number().min(0).max(1);
const text = z.string().max(1_000_000);
const model = z.string().min(1).max(200);
const outcomeSchema = z.union([
  score,
  z.looseObject({ answer: text.optional(), text: text.optional(), response: text.optional(), score: score.optional() }),
]);
const rowSchema = z.union([
  z
    .looseObject({
      prompt: text.optional(),
      id: text.optional(),
      outcomes: z.record(model, outcomeSchema).optional(),
      scores: z.record(model, score).optional(),
    })
    .refine((row) => row.outcomes !== undefined || row.scores !== undefined),
  z.looseObject({ prompt: text, model, response: text }),
]);

interface Recorded {
  answer?: string;
  score?: number;
}

/** Recorded answers by prompt and model. */
export interface Replay {
  readonly models: readonly string[];
  /** The recorded answer, or `right` or `wrong` by its recorded score; `undefined` where nothing is recorded. */
  find(prompt: string, model: string, random: Random): string | undefined;
}

/** Prompts are kept as hashes, which are smaller and as good for an exact match. */
function keyOf(prompt: string): string {
  return createHash('sha256').update(normalisePrompt(prompt)).digest('base64').slice(0, 22);
}

function readOutcome(outcome: z.infer<typeof outcomeSchema>): Recorded {
  if (typeof outcome === 'number') return { score: outcome };
  const answer = outcome.answer ?? outcome.text ?? outcome.response;
  return { ...(answer !== undefined && { answer }), ...(outcome.score !== undefined && { score: outcome.score }) };
}

function readRow(row: z.infer<typeof rowSchema>): { keys: string[]; outcomes: [string, Recorded][] } {
  if (typeof row.model === 'string' && typeof row.response === 'string') {
    return { keys: [keyOf(row.prompt ?? '')], outcomes: [[row.model, { answer: row.response }]] };
  }
  const { prompt, id, outcomes, scores } = row as Exclude<z.infer<typeof rowSchema>, { model: string }>;
  const recorded = Object.entries(outcomes ?? scores ?? {});
  return {
    keys: [prompt, id].filter((each) => each !== undefined).map(keyOf),
    outcomes: recorded.map(([name, outcome]) => [name, readOutcome(outcome)]),
  };
}

/** The lines of a text file in batches, unpacked if its name ends in `.gz`; fails beyond the limits. */
async function* readLines(file: string): AsyncGenerator<string[]> {
  const source = createReadStream(file);
  const stream = file.endsWith('.gz') ? source.pipe(createGunzip()) : source;
  // pipe does not pass an error of the source on.
  if (stream !== source) source.on('error', (error) => stream.destroy(error));
  const decoder = new TextDecoder();
  let bytes = 0;
  let rest = '';
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxFileBytes) throw new StartupError(`more than ${maxFileBytes / 1024 / 1024} MiB unpacked`);
      rest += decoder.decode(chunk, { stream: true });
      if (rest.length > maxRowCharacters + chunk.length) {
        throw new StartupError(`a row of more than ${maxRowCharacters} characters`);
      }
      // Splitting only where a row ends keeps long rows from being copied once per chunk.
      if (!chunk.includes(0x0a)) continue;
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      yield lines;
    }
  } finally {
    source.destroy();
  }
  yield [rest];
}

/**
 * Reads recorded answers from JSON Lines (`.gz` is unpacked). A row is `{prompt | id, outcomes: {model: {answer | text |
 * response, score} | score}}`, `{prompt | id, scores: {model: score}}` or `{prompt, model, response}`; scores lie in
 * [0, 1]. `StartupError` names the line of what is wrong.
 */
export async function loadReplay(file: string): Promise<Replay> {
  const answers = new Map<string, Map<string, Recorded>>();
  const models = new Set<string>();
  let line = 0;

  function add(content: string): void {
    const { keys, outcomes } = readRow(rowSchema.parse(JSON.parse(content)));
    if (keys.length === 0) throw new StartupError('neither prompt nor id');
    for (const key of keys) {
      const known = answers.get(key) ?? new Map<string, Recorded>();
      for (const [name, recorded] of outcomes) {
        known.set(name, recorded);
        models.add(name);
      }
      answers.set(key, known);
    }
    if (answers.size > maxRows * 2) throw new StartupError(`more than ${maxRows} prompts`);
    if (models.size > maxModels) throw new StartupError(`more than ${maxModels} models`);
  }

  try {
    for await (const lines of readLines(file)) {
      for (const content of lines) {
        line += 1;
        if (content.trim() !== '') add(content);
      }
    }
  } catch (error) {
    const reason = error instanceof z.ZodError ? 'the row has none of the known forms' : messageOf(error);
    const where = line === 0 ? '' : ` at or after line ${line}`;
    throw new StartupError(`cannot replay ${file}${where}: ${reason}`, { cause: error });
  }

  return {
    models: [...models],
    find(prompt, name, random) {
      const recorded = answers.get(keyOf(prompt))?.get(name);
      if (recorded === undefined) return undefined;
      if (recorded.answer !== undefined) return recorded.answer;
      return recorded.score === undefined ? undefined : random.chance(recorded.score) ? 'right' : 'wrong';
    },
  };
}
