/** Something that costs and is worth something. */
export interface Priced {
  quality: number;
  cost_usd: number;
}

/**
 * Those that no other beats: none is at least as good for less, or better for as much. Of equals all are among them. Pure.
 */
export function paretoFrontier<T extends Priced>(points: readonly T[]): Set<T> {
  const frontier = new Set<T>();
  let best: Priced | undefined;
  for (const point of [...points].sort((a, b) => a.cost_usd - b.cost_usd || b.quality - a.quality)) {
    const isEqual = best !== undefined && point.quality === best.quality && point.cost_usd === best.cost_usd;
    if (best !== undefined && point.quality <= best.quality && !isEqual) continue;
    frontier.add(point);
    best = point;
  }
  return frontier;
}
