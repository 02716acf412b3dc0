import type { Need, Reservation, Spent } from './admission.ts';

/** A part of what was held for several requests together. */
export interface ReservedPart extends Reservation {
  /** What its request did use; null until it has ended. */
  spent(): Spent | null;
}

/**
 * Divides what was held. The whole is settled when the last part is: with the sum of what was used, a part of unknown cost
 * counting as dear as it could be.
 */
export function shareReservation(whole: Reservation, needs: readonly Need[]): ReservedPart[] {
  const spent: Array<Spent | null> = needs.map(() => null);
  let isUsed = false;
  let open = needs.length;

  return needs.map((_, index) => {
    let isSettled = false;
    return {
      headers: whole.headers,
      spent: () => spent[index] ?? null,
      settle(used) {
        if (isSettled) return;
        isSettled = true;
        isUsed ||= used !== null;
        spent[index] = used ?? { inputTokens: 0, outputTokens: 0, costUsd: 0 };
        open -= 1;
        if (open === 0) whole.settle(isUsed ? total(spent, needs) : null);
      },
    };
  });
}

function total(spent: ReadonlyArray<Spent | null>, needs: readonly Need[]): Spent {
  const sum: Spent = { inputTokens: 0, outputTokens: 0, costUsd: 0 };
  for (const [index, part] of spent.entries()) {
    if (part === null) continue;
    sum.inputTokens += part.inputTokens;
    sum.outputTokens += part.outputTokens;
    const cost = part.costUsd ?? needs[index]?.costUsd ?? null;
    sum.costUsd = sum.costUsd === null || cost === null ? null : sum.costUsd + cost;
  }
  return sum;
}

/** What several requests may use together. */
export function sumOfNeeds(needs: readonly Need[]): Need {
  return {
    inputTokens: needs.reduce((sum, need) => sum + need.inputTokens, 0),
    outputTokens: needs.reduce((sum, need) => sum + need.outputTokens, 0),
    costUsd: needs.reduce<number | null>(
      (sum, need) => (sum === null || need.costUsd === null ? null : sum + need.costUsd),
      0,
    ),
  };
}
