/** Ratios of the canary's rate of bad events to the control's that are looked for, as multiples of the one allowed. */
const grid = [1.25, 1.5, 2, 3, 4, 6, 10] as const;

/** Bad events of a canary and a control while they had the same shares of one traffic: all that a test has to remember. */
export interface Stratum {
  /** Share of the canary in the traffic of both, in (0, 1). */
  share: number;
  /** Bad events of each. */
  canary: number;
  control: number;
}

/**
 * The probability that a bad event is the canary's where its bad rate is `ratio` times the control's:
 * θ = ρ·r / (ρ·r + 1 − ρ). It holds whatever the rates are, and while they drift together, which is why labels are tested and
 * not rates.
 *
 * M. Lindon and A. Malek, "Anytime-valid inference for multinomial count data", NeurIPS 2022, arXiv 2011.03567.
 */
export function canaryLabelProbability(ratio: number, share: number): number {
  return (share * ratio) / (share * ratio + 1 - share);
}

/**
 * Natural logarithm of the evidence that the canary's bad rate is more than `allowedRatio` times the control's: an e-value, the
 * mean of likelihood ratios over a grid of greater ratios, E = Σ_j (1/J) Π θ(r_j)/θ(r₀) or (1 − θ(r_j))/(1 − θ(r₀))
 * over the bad events of all strata, each with the share that held then. Looked at after every event, it ever reaches
 * 1/α with a probability of α at the most while the ratio is the allowed one or less (Ville's inequality), however long
 * the test runs.
 */
export function logEvidenceOfHarm(strata: readonly Stratum[], allowedRatio: number): number {
  return logEvidence(strata, allowedRatio, (factor) => allowedRatio * factor);
}

/**
 * The mirrored test: natural logarithm of the evidence that the canary's bad rate is less than `allowedRatio` times the
 * control's, against ratios as much smaller as those of the grid are greater.
 */
export function logEvidenceOfSafety(strata: readonly Stratum[], allowedRatio: number): number {
  return logEvidence(strata, allowedRatio, (factor) => allowedRatio / factor);
}

function logEvidence(strata: readonly Stratum[], allowedRatio: number, ratioOf: (factor: number) => number): number {
  return logMeanExp(
    grid.map((factor) => {
      let log = 0;
      for (const { share, canary, control } of strata) {
        const theta = canaryLabelProbability(ratioOf(factor), share);
        const allowed = canaryLabelProbability(allowedRatio, share);
        log += canary * Math.log(theta / allowed) + control * Math.log((1 - theta) / (1 - allowed));
      }
      return log;
    }),
  );
}

/** ln(mean of e^x), without overflow. */
function logMeanExp(values: readonly number[]): number {
  const greatest = Math.max(...values);
  return greatest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - greatest), 0) / values.length);
}

/**
 * About how many bad events a test needs until its evidence is 1/α, where the true ratio is `trueRatio`:
 * (ln(1/α) + ln J) / KL(θ(r) ‖ θ(r₀)). Infinite where the two ratios are equal.
 */
export function badEventsToDecision(trueRatio: number, allowedRatio: number, share: number, alpha: number): number {
  const theta = canaryLabelProbability(trueRatio, share);
  const allowed = canaryLabelProbability(allowedRatio, share);
  const divergence = theta * Math.log(theta / allowed) + (1 - theta) * Math.log((1 - theta) / (1 - allowed));
  return divergence <= 0 ? Infinity : (Math.log(1 / alpha) + Math.log(grid.length)) / divergence;
}
