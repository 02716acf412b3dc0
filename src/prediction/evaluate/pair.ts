/** How well a strong and a weak model share requests, as RouteLLM measures it (https://arxiv.org/abs/2406.18665). */
export interface PairMeasures {
  /**
   * Average performance gap recovered: of what the strong model is better by, the share that is kept, averaged over the
   * shares of requests that it gets. At random 0.5; an oracle passes 1 where the weak model is sometimes the better one.
   */
  apgr: number;
  /** Share of requests that the strong model must get for half of the gap; at random 0.5. */
  cpt50: number;
  /** The same for 80% of the gap. */
  cpt80: number;
}

/** Rows by how much the strong model is expected to be better, the most first. `ends[i]` is where the i-th tie ends. */
export interface Ranking {
  order: Int32Array;
  ends: readonly number[];
}

const bins = 10;

/** Ranks rows by a number each. */
export function rank(advantages: Float64Array): Ranking {
  const order = Int32Array.from(advantages.keys()).sort(
    (a, b) => (advantages[b] as number) - (advantages[a] as number) || a - b,
  );
  const ends: number[] = [];
  for (let at = 1; at <= order.length; at += 1) {
    if (at === order.length || advantages[order[at] as number] !== advantages[order[at - 1] as number]) ends.push(at);
  }
  return { order, ends };
}

/**
 * The strong model gets the first 0%, 10%, … 100% of the ranked rows, of rows that tie as many as if drawn at random.
 * `gains` is by how much its score was higher for each row, `weights` how often a row counts. NaN where it is not better on
 * the whole. Pure.
 */
export function pairMeasures({ order, ends }: Ranking, gains: Float64Array, weights: Float64Array): PairMeasures {
  const shares: number[] = [0];
  const recovered: number[] = [0];
  let weight = 0;
  let gain = 0;
  let start = 0;
  for (const end of ends) {
    for (let at = start; at < end; at += 1) {
      const row = order[at] as number;
      weight += weights[row] as number;
      gain += (weights[row] as number) * (gains[row] as number);
    }
    start = end;
    shares.push(weight);
    recovered.push(gain);
  }
  if (!(gain > 0)) return { apgr: NaN, cpt50: NaN, cpt80: NaN };

  const atCuts: number[] = [];
  let next = 1;
  for (let cut = 0; cut <= bins; cut += 1) {
    const share = (weight * cut) / bins;
    while (next < shares.length - 1 && (shares[next] as number) < share) next += 1;
    const from = shares[next - 1] as number;
    const width = (shares[next] as number) - from;
    const part = width === 0 ? 0 : (share - from) / width;
    const before = recovered[next - 1] as number;
    atCuts.push((before + part * ((recovered[next] as number) - before)) / gain);
  }
  const inner = atCuts.slice(1, -1).reduce((sum, value) => sum + value, 0);
  return { apgr: (inner + 0.5) / bins, cpt50: firstShare(atCuts, 0.5), cpt80: firstShare(atCuts, 0.8) };
}

/** The least share of requests at which the line through the cuts reaches a part of the gap. */
function firstShare(atCuts: readonly number[], part: number): number {
  const cut = atCuts.findIndex((value) => value >= part);
  const before = atCuts[cut - 1] ?? 0;
  const after = atCuts[cut] ?? 1;
  return (cut - 1 + (part - before) / (after - before)) / bins;
}
