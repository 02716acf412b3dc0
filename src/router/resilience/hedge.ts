/**
 * Hedging: where the first token is late, the same request is sent a second time, and the first answer wins.
 *
 * Source: Dean and Barroso, "The Tail at Scale", CACM 56 (2013): a second request after the 95th percentile shortens the
 * tail for about 5% more load. The budget keeps it at that where everything has become slow.
 */
export interface HedgeBudget {
  /** A request makes its first call. */
  deposit(): void;
  /** Whether a hedge may be sent; if so it is counted. */
  tryWithdraw(): boolean;
  /** Hedges that may be sent now. */
  balance(): number;
}

export interface HedgeDelayOptions {
  minDelayMs: number;
  /** At least `minDelayMs`. */
  maxDelayMs: number;
}

/** Tokens are counted in millionths, so that no rounding adds up. */
const token = 1_000_000;
/** As gRPC's hedging has it; what was saved in calm must not double the load of a storm. */
const maxTokens = 10;

/** A token bucket that starts empty: at any time hedges ≤ `share` · requests, and at most ten at once. */
export function createHedgeBudget(options: () => { share: number }): HedgeBudget {
  let level = 0;
  return {
    deposit() {
      level = Math.min(level + Math.round(options().share * token), maxTokens * token);
    },
    tryWithdraw() {
      if (level < token) return false;
      level -= token;
      return true;
    },
    balance: () => Math.floor(level / token),
  };
}

/**
 * How long to wait for the first token before a second call: the model's 95th percentile, within the bounds.
 * Null where it is not known: then there is no hedge.
 */
export function hedgeDelayMs(p95Ms: number | null, options: HedgeDelayOptions): number | null {
  return p95Ms === null ? null : Math.min(Math.max(p95Ms, options.minDelayMs), options.maxDelayMs);
}
