/** Answers that cost much to make, kept for a moment. */
export interface KeptAnswers<T> {
  /** The answer to the question of this key: one that was made just now, else a new one. What fails is not kept. */
  get(key: string, make: () => Promise<T>): Promise<T>;
}

const mostKept = 100;

/** Many who ask the same cost as much as one, and one answer is made at a time, whatever is asked. */
export function createKeptAnswers<T>(maxAgeMs: number, nowMs: () => number): KeptAnswers<T> {
  const kept = new Map<string, { answer: Promise<T>; askedAtMs: number }>();
  let last: Promise<unknown> = Promise.resolve();
  return {
    get(key, make) {
      const askedAtMs = nowMs();
      const known = kept.get(key);
      if (known !== undefined && askedAtMs - known.askedAtMs <= maxAgeMs) return known.answer;
      const answer = last.then(make);
      last = answer.catch(() => kept.delete(key));
      if (kept.size >= mostKept) kept.clear();
      kept.set(key, { answer, askedAtMs });
      return answer;
    },
  };
}
