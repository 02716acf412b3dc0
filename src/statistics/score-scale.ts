/** Scores run from 0 to 5. */
export const highestScore = 5;

/** For models that the catalogue does not know. */
export const middleScore = highestScore / 2;

/** A score of 0 stands for a success rate of 50%, and one of 5 for 99%. */
const rateAtZero = 0.5;
export const ratePerPoint = 0.098;

/** The success rate that a score stands for: 0.5 + 0.098 · score. */
export function successRateOf(score: number): number {
  return rateAtZero + ratePerPoint * score;
}

/** The score of a success rate, in [0, 5]: the inverse of `successRateOf`, cut at both ends. */
export function scoreOf(successRate: number): number {
  return withinScale((successRate - rateAtZero) / ratePerPoint);
}

/** The nearest score to a number. */
export function withinScale(score: number): number {
  return Math.min(highestScore, Math.max(0, score));
}
