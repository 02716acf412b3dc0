import { type Change, referencesOf, replay } from '../prediction/evaluate/replay.ts';
import { type EvaluationRow, meanScores } from '../prediction/evaluate/rows.ts';
import type { ExplorationBounds } from '../router/select/explore.ts';
import { createRandom } from '../statistics/random.ts';
import type { EvaluationData } from './evaluate-data.ts';

export interface OnlineOptions {
  bounds: ExplorationBounds;
  /** Streams in a random order, beside the one that the data gives. */
  shuffles: number;
  /** One task after the other, instead of all of them mixed: what comes is then of a kind that nothing was seen of. */
  blocks: boolean;
  /** What is held of a model before it answers: nothing, or its mean over the data, as published scores state it. */
  prior: 'none' | 'published';
  dropped: number;
  flipped: number;
  delay: number;
  change: Change | null;
  onProgress(text: string): void;
}

/** What one stream came to. Points are hundredths of a score. */
export interface OnlineStream {
  stream: string;
  requests: number;
  /** Sum of scores that the reference is ahead by, after so many requests; below 0 where it is behind. */
  regret: Array<{ requests: number; bestSingle: number; oracle: number }>;
  /** Against the best single model in hindsight, per request. */
  pointsFrom1000: number;
  pointsLastQuarter: number;
  /** Requests of the last quarter that each model got, as a share. */
  sharesLastQuarter: Record<string, number>;
}

const checkpoints = [500, 1000, 2000, 5000];
/** As much as a word of the catalogue counts for, and next to nothing. */
const strengths = { published: 10, none: 2 };

/** Replays the data as a stream of which only the chosen model's outcome is shown, in its own order and shuffled. */
export function evaluateOnline(data: EvaluationData, options: OnlineOptions): OnlineStream[] {
  const rows = data.rows.filter(({ counts }) => counts);
  const inBlocks = (blockOf: (task: string) => string, placeOf: (row: EvaluationRow) => string): EvaluationRow[] =>
    sortedBy(rows, (row) => (options.blocks ? `${blockOf(row.task ?? '')} ${placeOf(row)}` : placeOf(row)));
  const streams = [
    {
      name: 'by order',
      rows: inBlocks(
        (task) => task,
        ({ order }) => order,
      ),
    },
  ];
  for (let shuffle = 1; shuffle <= options.shuffles; shuffle += 1) {
    const random = createRandom(`shuffle ${shuffle}`);
    const keys = new Map(rows.map((row) => [row, String(random.next())]));
    const blocks = new Map(rows.map(({ task }) => [task ?? '', String(random.next())]));
    streams.push({
      name: `shuffle ${shuffle}`,
      rows: inBlocks(
        (task) => blocks.get(task) ?? '',
        (row) => keys.get(row) ?? '',
      ),
    });
  }
  const means = meanScores(rows, data.models.length);
  return streams.map(({ name, rows: stream }, index) => {
    options.onProgress(`stream ${index + 1} of ${streams.length}`);
    return measureStream(name, stream, data, means, options);
  });
}

function measureStream(
  name: string,
  stream: readonly EvaluationRow[],
  { models, training }: EvaluationData,
  means: Float64Array,
  options: OnlineOptions,
): OnlineStream {
  const { picks, scores } = replay(stream, {
    ...options,
    seed: name,
    models: models.map((model, index) => ({
      name: model,
      prior: {
        outcome: options.prior === 'published' ? (means[index] as number) : 0.5,
        strength: strengths[options.prior],
      },
    })),
    known: (training ?? []).map(({ features, outcomes }) => ({
      features,
      weight: 1,
      observed: outcomes.flatMap((outcome, model) => (outcome === null ? [] : [{ model, outcome: outcome.score }])),
    })),
  });
  const { bestSingle, oracle } = referencesOf(stream, models.length, options.change);
  const lost = (reference: Float64Array, from: number, to: number): number => {
    let sum = 0;
    for (let request = from; request < to; request += 1) {
      sum += (reference[request] as number) - (scores[request] as number);
    }
    return sum;
  };
  const { length } = stream;
  const points = (from: number): number =>
    from < length ? (-100 * lost(bestSingle, from, length)) / (length - from) : NaN;
  const lastQuarter = Math.floor(0.75 * length);
  const last = picks.subarray(lastQuarter);
  return {
    stream: name,
    requests: length,
    regret: [...checkpoints.filter((count) => count < length), length].map((requests) => ({
      requests,
      bestSingle: lost(bestSingle, 0, requests),
      oracle: lost(oracle, 0, requests),
    })),
    pointsFrom1000: points(1000),
    pointsLastQuarter: points(lastQuarter),
    sharesLastQuarter: Object.fromEntries(
      models.map((model, index) => [model, last.filter((pick) => pick === index).length / last.length]),
    ),
  };
}

function sortedBy(rows: readonly EvaluationRow[], keyOf: (row: EvaluationRow) => string): EvaluationRow[] {
  return [...rows].sort((a, b) => {
    const [keyA, keyB] = [keyOf(a), keyOf(b)];
    if (keyA === keyB) return 0;
    return keyA < keyB ? -1 : 1;
  });
}
