/** A bet against a mean, after some values. Begins as `newBet`. */
export interface Bet {
  count: number;
  /** Of the values so far, after two that were never seen, 0 and 1 in half each, so that it is never sure too soon. */
  mean: number;
  sumOfSquares: number;
  /** Natural logarithm of the capital, which is 1 at first: an e-value. */
  logCapital: number;
}

export const newBet: Bet = { count: 0, mean: 0.5, sumOfSquares: 0.25, logCapital: 0 };

/** No more than this share of what a value of 0 could take away is ever staked. */
const greatestStake = 0.5;

/**
 * The bet after one more value in [0, 1], against the claim that the mean is `claimed`, in (0, 1), or less: the capital is
 * multiplied by 1 + λ·(value − claimed), with λ from the values before, as in "aGRAPA". While the claim is true the capital
 * ever reaches 1/α with a probability of α at the most, whatever the distribution of the values.
 *
 * I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random variables by betting", Journal of the Royal Statistical
 * Society B 86(1), 2024, arXiv 2010.09686, appendix B.3.
 */
export function nextBet(bet: Bet, value: number, claimed: number): Bet {
  const edge = bet.mean - claimed;
  const variance = bet.sumOfSquares / (bet.count + 1);
  const stake = Math.min(greatestStake / claimed, Math.max(0, edge / (variance + edge ** 2)));
  const count = bet.count + 1;
  const mean = bet.mean + (value - bet.mean) / (count + 1);
  return {
    count,
    mean,
    sumOfSquares: bet.sumOfSquares + (value - bet.mean) * (value - mean),
    logCapital: bet.logCapital + Math.log1p(stake * (value - claimed)),
  };
}
