import { createRandom } from './random.ts';

const rounds = 25;

/**
 * The cluster of each point, from 0 to `count` − 1, by Lloyd's algorithm from k-means++ starts (Arthur and Vassilvitskii
 * 2007). A cluster may be empty where there are fewer different points than clusters. Reproducible for a seed.
 */
export function clusterOf(points: readonly Float64Array[], count: number, seed: number | string): Int32Array {
  const assigned = new Int32Array(points.length);
  if (points.length === 0) return assigned;
  const centres = startingCentres(points, count, seed);
  for (let round = 0; round < rounds; round += 1) {
    let moved = 0;
    for (const [index, point] of points.entries()) {
      const nearest = nearestCentre(point, centres);
      if (assigned[index] !== nearest) moved += 1;
      assigned[index] = nearest;
    }
    if (round > 0 && moved === 0) break;
    moveCentres(centres, points, assigned);
  }
  return assigned;
}

function startingCentres(points: readonly Float64Array[], count: number, seed: number | string): Float64Array[] {
  const random = createRandom(seed);
  const centres = [random.pick(points).slice()];
  const distances = points.map((point) => squaredDistance(point, centres[0] as Float64Array));
  while (centres.length < count) {
    let left = random.next() * distances.reduce((sum, distance) => sum + distance, 0);
    const index = distances.findIndex((distance) => (left -= distance) <= 0);
    const centre = (points[index === -1 ? points.length - 1 : index] as Float64Array).slice();
    centres.push(centre);
    for (const [at, point] of points.entries()) {
      distances[at] = Math.min(distances[at] as number, squaredDistance(point, centre));
    }
  }
  return centres;
}

function nearestCentre(point: Float64Array, centres: readonly Float64Array[]): number {
  let nearest = 0;
  let least = Infinity;
  for (const [index, centre] of centres.entries()) {
    const distance = squaredDistance(point, centre);
    if (distance < least) {
      least = distance;
      nearest = index;
    }
  }
  return nearest;
}

function moveCentres(centres: Float64Array[], points: readonly Float64Array[], assigned: Int32Array): void {
  const sizes = new Float64Array(centres.length);
  const sums = centres.map((centre) => new Float64Array(centre.length));
  for (const [index, point] of points.entries()) {
    const cluster = assigned[index] as number;
    const sum = sums[cluster] as Float64Array;
    sizes[cluster] = (sizes[cluster] as number) + 1;
    for (let d = 0; d < point.length; d += 1) sum[d] = (sum[d] as number) + (point[d] as number);
  }
  for (const [cluster, sum] of sums.entries()) {
    const size = sizes[cluster] as number;
    if (size > 0) centres[cluster] = sum.map((value) => value / size);
  }
}

function squaredDistance(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let d = 0; d < a.length; d += 1) sum += ((a[d] as number) - (b[d] as number)) ** 2;
  return sum;
}
