/**
 * Share of the standard normal distribution below `x`: ½ + φ(x)·(x + x³/3 + x⁵/(3·5) + …), to about 1e-15; 0 and 1 beyond 8
 * standard deviations.
 *
 * G. Marsaglia, "Evaluating the normal distribution", Journal of Statistical Software 11(4), 2004.
 */
export function normalCdf(x: number): number {
  if (x < -8) return 0;
  if (x > 8) return 1;
  let term = x;
  let sum = x;
  for (let n = 3; Math.abs(term) > 1e-17 * Math.abs(sum); n += 2) {
    term *= x ** 2 / n;
    sum += term;
  }
  return 0.5 + (sum * Math.exp(-(x ** 2) / 2)) / Math.sqrt(2 * Math.PI);
}
