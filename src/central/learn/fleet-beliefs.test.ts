import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { betaMean } from '../../statistics/beta.ts';
import { createRandom } from '../../statistics/random.ts';
import type { Evidence } from './evidence.ts';
import {
  ageCell,
  type Cell,
  cellKeyOf,
  type FleetBeliefs,
  isSharedView,
  type Learned,
  learnFrom,
} from './fleet-beliefs.ts';
import { posteriorOf } from './posterior.ts';
import { refinementsOf } from './refinements.ts';

const options = {
  catalogueScore: () => 4,
  nowMs: 0,
  forgetting: { halfLifeRequests: 10_000, halfLifeMs: 86_400_000 },
};
const nothing: FleetBeliefs = { clocks: new Map(), cells: new Map() };

function evidence(successes: number, failures: number, more: Partial<Evidence> = {}): Evidence {
  return {
    model: 'm',
    complexity: 'simple',
    queryType: 'technical',
    provider: 'p',
    instanceId: 'a',
    requests: Math.max(0, Math.round(successes + failures)),
    successes,
    failures,
    responseTimes: 0,
    responseTimeSumMs: 0,
    ...more,
  };
}

/** One by one, so that alarms are raised when they are due. */
function oneByOne(seed: string, count: number, rate: number, more: Partial<Evidence> = {}): Evidence[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => {
    const success = Number(random.chance(rate));
    return evidence(success, 1 - success, more);
  });
}

const learn = (from: FleetBeliefs, ...rows: Evidence[]): Learned => learnFrom(from, rows, options);
const cellOf = (beliefs: FleetBeliefs, complexity = 'simple' as const): Cell =>
  beliefs.cells.get(cellKeyOf('m', complexity)) as Cell;
const rateOf = (cell: Cell): number => betaMean(posteriorOf(cell.belief, 4));

describe('beliefs', () => {
  it('are the catalogue’s without evidence, and the evidence’s with much of it', () => {
    expect(rateOf(cellOf(learn(nothing, evidence(0, 0))))).toBeCloseTo(0.892, 9);
    const many = learn(nothing, ...oneByOne('x', 2000, 0.8));
    expect(rateOf(cellOf(many))).toBeCloseTo(0.8, 1);
  });

  it('count 10 answers for the catalogue’s word', () => {
    // (10·0.892 + 8) / (10 + 10)
    expect(rateOf(cellOf(learn(nothing, evidence(8, 2))))).toBeCloseTo(16.92 / 20, 9);
  });

  it('do not change without new evidence', () => {
    const once = learn(nothing, ...oneByOne('x', 200, 0.9));
    const again = learn(once);
    expect(again.cells).toEqual(once.cells);
    expect(again.touched.size).toBe(0);
  });

  it('are the same in whatever order a window of evidence comes', () => {
    const rows = fc.array(
      fc.record({ successes: fc.nat(5), failures: fc.nat(1), instanceId: fc.constantFrom('a', 'b', 'c') }),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(rows, fc.nat(), (given, seed) => {
        const window = given.map(({ successes, failures, instanceId }) =>
          evidence(successes, failures, { instanceId }),
        );
        const random = createRandom(seed);
        const shuffled = window
          .map((row) => ({ row, key: random.next() }))
          .sort((a, b) => a.key - b.key)
          .map(({ row }) => row);
        const cells = [learn(nothing, ...window), learn(nothing, ...shuffled)].map((learned) => cellOf(learned));
        expect(rateOf(cells[0] as Cell)).toBeCloseTo(rateOf(cells[1] as Cell), 3);
        expect(cells[0]?.belief.observations).toBe(cells[1]?.belief.observations);
        expect(cells[0]?.clock).toBe(cells[1]?.clock);
      }),
    );
  });

  it('take back what feedback takes back', () => {
    const corrected = learn(nothing, evidence(5, 0), evidence(-2, 2, { requests: 0 }));
    const direct = learn(nothing, evidence(3, 2));
    expect(rateOf(cellOf(corrected))).toBeCloseTo(rateOf(cellOf(direct)), 4);
  });

  it('stay valid whatever comes', () => {
    const amount = fc.double({ min: -50, max: 50, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(amount, amount, fc.constantFrom('a', 'b')), { maxLength: 40 }), (given) => {
        const learned = learn(
          nothing,
          ...given.map(([s, f, instanceId]) => evidence(s, f, { instanceId, requests: 1 })),
        );
        for (const cell of learned.cells.values()) {
          expect(rateOf(cell)).toBeGreaterThanOrEqual(0);
          expect(rateOf(cell)).toBeLessThanOrEqual(1);
          for (const { offset } of refinementsOf(cell, 4)) expect(Math.abs(offset)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

describe('forgetting', () => {
  it('halves evidence by requests or by time, whichever is further', () => {
    const cell = cellOf(learn(nothing, evidence(40, 0)));
    expect(ageCell(cell, cell.clock + 10_000, 0, options.forgetting).belief.successes).toBeCloseTo(20, 6);
    expect(ageCell(cell, cell.clock, 2 * 86_400_000, options.forgetting).belief.successes).toBeCloseTo(10, 6);
    expect(ageCell(cell, cell.clock + 10_000, 86_400_000, options.forgetting).belief.successes).toBeCloseTo(20, 6);
    expect(ageCell(cell, cell.clock, 0, options.forgetting)).toBe(cell);
  });

  it('comes back to the catalogue’s word in the end', () => {
    const bad = cellOf(learn(nothing, ...oneByOne('x', 300, 0.3)));
    expect(rateOf(bad)).toBeLessThan(0.6);
    expect(rateOf(ageCell(bad, bad.clock + 200_000, 0, options.forgetting))).toBeCloseTo(0.892, 2);
  });
});

describe('alarms', () => {
  it('begin a belief anew within 100 outcomes of a fall by 30 points, however long it was good', () => {
    for (const history of [100, 10_000]) {
      const good = learn(nothing, ...oneByOne('good', history, 0.95));
      const rows = oneByOne('bad', 100, 0.65);
      const fallen = learn(good, ...rows);
      expect([...fallen.alarms]).toEqual([['simple m', 'worse']]);
      expect(rateOf(cellOf(fallen))).toBeLessThan(0.85);
    }
  });

  it('of a model that became better shake what is believed of it elsewhere', () => {
    const complex = oneByOne('c', 300, 0.6, { complexity: 'complex' });
    const poor = learn(nothing, ...complex, ...oneByOne('s', 300, 0.6));
    const better = learn(poor, ...oneByOne('better', 120, 0.97));
    expect([...better.alarms]).toContainEqual(['simple m', 'better']);
    const other = better.cells.get('complex m') as Cell;
    const { alpha, beta } = posteriorOf(other.belief, 4);
    expect(alpha + beta).toBeLessThan(15);
    expect(betaMean({ alpha, beta })).toBeCloseTo(rateOf(poor.cells.get('complex m') as Cell), 1);
  });

  it('of one instance among many are its own trouble', () => {
    const fleet = ['a', 'b', 'c', 'd'].flatMap((instanceId) => oneByOne(instanceId, 300, 0.95, { instanceId }));
    const well = learn(nothing, ...fleet);
    const troubled = learn(well, ...oneByOne('trouble', 80, 0.1, { instanceId: 'd' }));
    expect(troubled.alarms.size).toBe(0);
    expect(rateOf(cellOf(troubled))).toBeGreaterThan(0.9);
    const own = refinementsOf(cellOf(troubled), 4).find(({ value }) => value === 'd');
    expect(own?.offset).toBeLessThan(-0.3);
    expect(
      refinementsOf(cellOf(troubled), 4).filter(({ kind, value }) => kind === 'instance' && value !== 'd'),
    ).toEqual([]);

    // Once it is well again, its evidence counts like any other.
    const recovered = learn(troubled, ...oneByOne('well', 200, 0.95, { instanceId: 'd' }));
    expect(cellOf(recovered).parts.some(({ isOutlier }) => isOutlier)).toBe(false);
    expect(cellOf(recovered).belief.observations).toBeGreaterThan(cellOf(troubled).belief.observations);
  });

  it('of two instances, or of one with most of the traffic, are everybody’s', () => {
    const fleet = ['a', 'b', 'c', 'd'].flatMap((instanceId) => oneByOne(instanceId, 300, 0.95, { instanceId }));
    const bad = oneByOne('bad', 160, 0.3).map((row, index) => ({ ...row, instanceId: index % 2 === 0 ? 'a' : 'b' }));
    expect([...learn(learn(nothing, ...fleet), ...bad).alarms]).toEqual([['simple m', 'worse']]);

    const alone = learn(nothing, ...oneByOne('x', 500, 0.95), ...oneByOne('y', 100, 0.95, { instanceId: 'b' }));
    expect([...learn(alone, ...oneByOne('bad', 80, 0.3)).alarms]).toEqual([['simple m', 'worse']]);
  });

  it('and scores fall only where enough of the fleet sees it', () => {
    const rows = [evidence(95, 5), evidence(95, 5, { instanceId: 'b' }), evidence(20, 10, { instanceId: 'c' })];
    const cell = cellOf(learn(nothing, ...rows));
    expect(isSharedView(cell, 4)).toBe(false);
    expect(isSharedView(cell, 5)).toBe(true);
  });
});

describe('refinements', () => {
  it('tell providers and query types apart that differ beyond chance', () => {
    const fast = oneByOne('fast', 300, 0.96, { provider: 'fast', queryType: 'simple' });
    const slow = oneByOne('slow', 300, 0.84, { provider: 'slow', queryType: 'research' });
    const rows = fast.flatMap((row, index) => [row, slow[index] as Evidence]);
    const refinements = refinementsOf(cellOf(learn(nothing, ...rows)), 4);
    const of = (value: string): number => refinements.find((one) => one.value === value)?.offset ?? 0;
    expect(of('fast')).toBeGreaterThan(0.03);
    expect(of('slow')).toBeLessThan(-0.03);
    expect(of('research')).toBeLessThan(-0.03);
    expect(refinements.filter(({ kind }) => kind === 'instance')).toEqual([]);
  });

  it('remember at most 64 values of each kind', () => {
    const rows = Array.from({ length: 500 }, (_, index) => evidence(9, 1, { instanceId: `i${index}` }));
    const { parts } = cellOf(learn(nothing, ...rows));
    expect(parts.filter(({ kind }) => kind === 'instance')).toHaveLength(64);
  });
});
