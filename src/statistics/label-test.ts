/** Ratios of the canary's rate of bad events to the control's that are looked for, as multiples of the one allowed. */
const grid = [1.25, 1.5, 2, 3, 4, 6, 10] as const;

/** What is compared: bad events of a canary and of a control that get shares of one traffic. */
export interface LabelTest {
  /** Share of the canary in the traffic of both, in (0, 1). */
  share: number;
  /** The ratio of the bad rates, canary to control, that is still allowed; positive. */
  allowedRatio: number;
}

/** Counts of bad events are all that a test of one share has to remember. */
export interface BadEvents {
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
 * Natural logarithm of the evidence that the canary is worse than allowed: an e-value, the mean of likelihood ratios over a
 * grid of greater ratios, E = Σ_j (1/J) Π θ(r_j)/θ(r₀) or (1 − θ(r_j))/(1 − θ(r₀)) over the bad events. Looked at after every
 * event, it ever reaches 1/α with a probability of α at the most while the ratio is the allowed one or less (Ville's
 * inequality), however long the test runs.
 */
export function logEvidenceOfHarm(events: BadEvents, test: LabelTest): number {
  return logEvidence(
    events,
    test,
    grid.map((factor) => test.allowedRatio * factor),
  );
}

/**
 * The mirrored test: natural logarithm of the evidence that the canary is not worse than `allowedRatio` times the control,
 * against ratios as much smaller as those of the grid are greater.
 */
export function logEvidenceOfSafety(events: BadEvents, test: LabelTest): number {
  return logEvidence(
    events,
    test,
    grid.map((factor) => test.allowedRatio / factor),
  );
}

function logEvidence(
  { canary, control }: BadEvents,
  { share, allowedRatio }: LabelTest,
  ratios: readonly number[],
): number {
  const allowed = canaryLabelProbability(allowedRatio, share);
  return logMeanExp(
    ratios.map((ratio) => {
      const theta = canaryLabelProbability(ratio, share);
      return canary * Math.log(theta / allowed) + control * Math.log((1 - theta) / (1 - allowed));
    }),
  );
}

/** ln(mean of e^x), without overflow. */
export function logMeanExp(values: readonly number[]): number {
  const greatest = Math.max(...values);
  return greatest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - greatest), 0) / values.length);
}

/**
 * About how many bad events a test needs until its evidence is 1/α, where the true ratio is `trueRatio`:
 * (ln(1/α) + ln J) / KL(θ(r) ‖ θ(r₀)). Infinite where the two ratios are equal.
 */
export function badEventsToDecision(trueRatio: number, { share, allowedRatio }: LabelTest, alpha: number): number {
  const theta = canaryLabelProbability(trueRatio, share);
  const allowed = canaryLabelProbability(allowedRatio, share);
  const divergence = theta * Math.log(theta / allowed) + (1 - theta) * Math.log((1 - theta) / (1 - allowed));
  return divergence <= 0 ? Infinity : (Math.log(1 / alpha) + Math.log(grid.length)) / divergence;
}
