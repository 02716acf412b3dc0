/** What requests cost and are worth on average when they are routed in one way. */
export interface OperatingPoint {
  /** In [0, 1]. */
  quality: number;
  costUsd: number;
}

/**
 * The best that can be had by routing each request in one of the ways given, at random: the upper hull of their points, from
 * the cheapest to the best, cost and quality both ascending. Pure.
 */
export function frontierOf(points: readonly OperatingPoint[]): OperatingPoint[] {
  const hull: OperatingPoint[] = [];
  for (const point of [...points].sort((a, b) => a.costUsd - b.costUsd || b.quality - a.quality)) {
    const last = hull.at(-1);
    if (last !== undefined && point.quality <= last.quality) continue;
    while (hull.length > 1 && isBelow(hull.at(-1) as OperatingPoint, hull.at(-2) as OperatingPoint, point)) hull.pop();
    hull.push(point);
  }
  return hull;
}

/** Whether a point lies on or below the line from one to another. */
function isBelow(point: OperatingPoint, from: OperatingPoint, to: OperatingPoint): boolean {
  return (
    (point.quality - from.quality) * (to.costUsd - from.costUsd) <=
    (to.quality - from.quality) * (point.costUsd - from.costUsd)
  );
}

/** The least cost at which a frontier has a quality, in USD; infinite where it never has. */
export function costOfQuality(frontier: readonly OperatingPoint[], quality: number): number {
  const index = frontier.findIndex((point) => point.quality >= quality);
  const to = frontier[index];
  if (to === undefined) return Infinity;
  const from = frontier[index - 1];
  if (from === undefined) return to.costUsd;
  return from.costUsd + ((to.costUsd - from.costUsd) * (quality - from.quality)) / (to.quality - from.quality);
}

/** Quality at a cost: that of the last point beyond it, 0 below what the cheapest costs. */
export function qualityAtCost(frontier: readonly OperatingPoint[], costUsd: number): number {
  const index = frontier.findIndex((point) => point.costUsd > costUsd);
  if (index === -1) return frontier.at(-1)?.quality ?? 0;
  const from = frontier[index - 1];
  const to = frontier[index];
  if (from === undefined || to === undefined) return 0;
  return from.quality + ((to.quality - from.quality) * (costUsd - from.costUsd)) / (to.costUsd - from.costUsd);
}

/**
 * Average improvement in quality: the mean quality of a frontier over all costs between two (Hu et al. 2024, RouterBench,
 * https://arxiv.org/abs/2403.12031), once with every dollar counted alike and once with every doubling of the cost. NaN where
 * the costs are equal, and for the second where the lower is 0.
 */
export function averageQuality(
  frontier: readonly OperatingPoint[],
  lowUsd: number,
  highUsd: number,
): { linear: number; logarithmic: number } {
  const costs = [
    lowUsd,
    ...frontier.map(({ costUsd }) => costUsd).filter((cost) => cost > lowUsd && cost < highUsd),
    highUsd,
  ];
  let linear = 0;
  let logarithmic = 0;
  for (let at = 1; at < costs.length; at += 1) {
    const from = costs[at - 1] as number;
    const to = costs[at] as number;
    const start = qualityAtCost(frontier, from);
    // Below its cheapest point a frontier has no quality at all, also right before it.
    const end = from < (frontier[0]?.costUsd ?? Infinity) ? 0 : qualityAtCost(frontier, to);
    const slope = to === from ? 0 : (end - start) / (to - from);
    linear += ((start + end) / 2) * (to - from);
    logarithmic += (start - slope * from) * Math.log(to / from) + slope * (to - from);
  }
  if (!(highUsd > lowUsd)) return { linear: NaN, logarithmic: NaN };
  return {
    linear: linear / (highUsd - lowUsd),
    logarithmic: lowUsd > 0 ? logarithmic / Math.log(highUsd / lowUsd) : NaN,
  };
}
