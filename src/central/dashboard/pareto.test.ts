import fc from 'fast-check';
import { expect, test } from 'vitest';
import { paretoFrontier } from './pareto.ts';

const level = fc.integer({ min: 0, max: 5 });
const points = fc.array(fc.record({ quality: level, cost_usd: level }), { maxLength: 12 });

test('the frontier is exactly what no other point beats', () => {
  fc.assert(
    fc.property(points, (all) => {
      const unbeaten = all.filter(
        (point) =>
          !all.some(
            (other) =>
              (other.quality >= point.quality && other.cost_usd < point.cost_usd) ||
              (other.quality > point.quality && other.cost_usd <= point.cost_usd),
          ),
      );
      expect(paretoFrontier(all)).toEqual(new Set(unbeaten));
      expect([...paretoFrontier(all)]).toHaveLength(unbeaten.length);
    }),
  );
});
