import { expect, it } from 'vitest';
import type { Need, Spent } from './admission.ts';
import { shareReservation, sumOfNeeds } from './share-reservation.ts';

const need = (costUsd: number | null): Need => ({ inputTokens: 10, outputTokens: 20, costUsd });
const used = (costUsd: number | null): Spent => ({ inputTokens: 1, outputTokens: 2, costUsd });

function share(...needs: Need[]) {
  const settled: Array<Spent | null> = [];
  const parts = shareReservation({ headers: {}, settle: (spent) => void settled.push(spent) }, needs);
  return { parts, settled };
}

it('settles the whole once, with the sum of what its parts used', () => {
  const { parts, settled } = share(need(1), need(2), need(3));
  parts[2]?.settle(used(0.5));
  parts[0]?.settle(null);
  expect(settled).toEqual([]);
  expect(parts.map((part) => part.spent()?.costUsd)).toEqual([0, undefined, 0.5]);
  parts[1]?.settle(used(0.25));
  parts[1]?.settle(used(9));
  expect(settled).toEqual([{ inputTokens: 2, outputTokens: 4, costUsd: 0.75 }]);
});

it('charges a part of unknown cost as dear as it could be', () => {
  const { parts, settled } = share(need(1), need(2));
  parts[0]?.settle(used(null));
  parts[1]?.settle(used(0.5));
  expect(settled).toEqual([{ inputTokens: 2, outputTokens: 4, costUsd: 1.5 }]);
});

it('gives everything back where nothing was called', () => {
  const { parts, settled } = share(need(1), need(null));
  for (const part of parts) part.settle(null);
  expect(settled).toEqual([null]);
});

it('needs what its parts need together, of which one unknown price makes the whole unknown', () => {
  expect(sumOfNeeds([need(1), need(2)])).toEqual({ inputTokens: 20, outputTokens: 40, costUsd: 3 });
  expect(sumOfNeeds([need(1), need(null)]).costUsd).toBeNull();
});
