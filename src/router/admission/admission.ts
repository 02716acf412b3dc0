import type { IncomingHttpHeaders } from 'node:http';
import type { Principal } from '../../platform/security/principal.ts';

/** Who sends a request, and what limits it. `keyId` is null for the master key, and for anybody where none is required. */
export interface Caller extends Principal {
  teamId: string | null;
  /** Models that the key may use, as patterns over `model_id` and `provider/model_id`; null: all. */
  allowedModels: readonly string[] | null;
  /** Whether other models than the best may be tried out on its requests. */
  mayExplore: boolean;
  /** Whether its requests may be copied to a model on trial. */
  mayShadow: boolean;
  /** In [0, 1], from quality to cost, for requests that bring none; null: as the configuration says. */
  costQualityTradeoff: number | null;
  /** True where a budget holds the key or its team: then a model of unknown price cannot be used. */
  hasBudget: boolean;
}

/** The most that a request may use, over all the models that may answer it. */
export interface Need {
  inputTokens: number;
  outputTokens: number;
  /** Null where no price is known; only a caller without a budget may have it. */
  costUsd: number | null;
}

/** What a request did use, all its attempts together. */
export interface Spent {
  inputTokens: number;
  outputTokens: number;
  /** Null where it is unknown: then what was reserved is charged. */
  costUsd: number | null;
}

/** A share of the caller's limits that is held for one request; `settle` must be called once, whatever happens. */
export interface Reservation {
  /** `x-ratelimit-*` headers of the answer; empty where nothing limits the caller. */
  headers: Readonly<Record<string, string>>;
  /** Gives back what was not used. Null: the request was never sent to a provider. */
  settle(spent: Spent | null): void;
}

/** Keys, budgets and rate limits on the request path. */
export interface Admission {
  /**
   * The caller of a request.
   *
   * @throws SignalboxError `unauthorized` for a missing, unknown, expired or revoked key.
   */
  authenticate(headers: IncomingHttpHeaders): Caller;
  /**
   * Holds what the request may use. Resolves in the same turn while the leases of this instance suffice.
   *
   * @throws SignalboxError `budget_exceeded` (402), `rate_limited` (429) with retry-after and x-ratelimit headers,
   * `not_ready` (503) where a limit holds and PostgreSQL, which shares it, cannot be reached.
   */
  reserve(caller: Caller, need: Need, signal: AbortSignal): Reservation | Promise<Reservation>;
}
