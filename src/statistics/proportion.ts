/** Of a normal distribution: the middle 95% lies within so many standard deviations of the mean. */
const z = 1.959963984540054;

/**
 * The 95% interval, within [0, 1], of the probability behind `successes` of `trials`, by Wilson's score method: unlike the
 * usual mean ± 1.96 standard errors it is right for few trials and for shares near 0 and 1 too (E. B. Wilson, "Probable
 * inference, the law of succession, and statistical inference", JASA 22 (1927); R. G. Newcombe, "Two-sided confidence
 * intervals for the single proportion", Statistics in Medicine 17 (1998), method 3). `successes` in [0, `trials`]; without
 * trials anything is possible: [0, 1].
 */
export function wilsonInterval(successes: number, trials: number): [low: number, high: number] {
  if (trials === 0) return [0, 1];
  const share = successes / trials;
  const denominator = 1 + z ** 2 / trials;
  const centre = (share + z ** 2 / (2 * trials)) / denominator;
  const margin = (z * Math.sqrt((share * (1 - share)) / trials + z ** 2 / (4 * trials ** 2))) / denominator;
  return [Math.max(0, centre - margin), Math.min(1, centre + margin)];
}
