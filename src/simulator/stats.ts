/** What happened to the requests for one model; every request ends in exactly one of completed, failed and aborted. */
export interface ModelStats {
  requests: number;
  completed: number;
  /** Ended by a fault, an outage or the error rate. */
  failed: number;
  /** The client went away before the answer was complete. */
  aborted: number;
  open: number;
  prompt_tokens: number;
  cached_prompt_tokens: number;
  /** Tokens that were generated before the end, also of requests that failed or were aborted. */
  completion_tokens: number;
}

/** The life of one request in the statistics; only the first `settle` counts. */
export interface RequestTally {
  addTokens(count: number): void;
  settle(end: 'completed' | 'failed' | 'aborted'): void;
}

export interface SimulatorStats {
  begin(model: string, promptTokens: number, cachedTokens: number): RequestTally;
  models(): Record<string, ModelStats>;
  reset(): void;
}

/** Only models that have a profile get here, so the number of entries is bounded by theirs. */
export function createStats(): SimulatorStats {
  let byModel = new Map<string, ModelStats>();

  function statsOf(model: string): ModelStats {
    let stats = byModel.get(model);
    if (stats === undefined) {
      stats = {
        requests: 0,
        completed: 0,
        failed: 0,
        aborted: 0,
        open: 0,
        prompt_tokens: 0,
        cached_prompt_tokens: 0,
        completion_tokens: 0,
      };
      byModel.set(model, stats);
    }
    return stats;
  }

  return {
    begin(model, promptTokens, cachedTokens) {
      const stats = statsOf(model);
      stats.requests += 1;
      stats.open += 1;
      stats.prompt_tokens += promptTokens;
      stats.cached_prompt_tokens += cachedTokens;
      let settled = false;
      return {
        addTokens(count) {
          stats.completion_tokens += count;
        },
        settle(end) {
          if (settled) return;
          settled = true;
          stats.open -= 1;
          stats[end] += 1;
        },
      };
    },
    models: () => Object.fromEntries([...byModel].map(([model, stats]) => [model, { ...stats }])),
    reset() {
      byModel = new Map();
    },
  };
}
