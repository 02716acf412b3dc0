import { describe, expect, it } from 'vitest';
import { createRandom } from '../statistics/random.ts';
import { decodePredictor, encodePredictor } from './encode.ts';
import { DamagedPredictor } from './packed.ts';
import { deviationsOf, predict } from './predictor.ts';
import { successShifts } from './shifts.ts';
import { findTopics, topicShares } from './topics.ts';
import { trainPredictor, type TrainingRow } from './train.ts';

const models = ['a', 'b'].map((name) => ({ name, prior: { outcome: 0.5, strength: 10 } }));
const random = createRandom('train');

/** A prompt of one of two kinds: 30 features out of 300 of its kind. */
function promptOf(kind: 0 | 1): Uint16Array {
  return Uint16Array.from(new Set(Array.from({ length: 30 }, () => kind * 1000 + random.int(300))));
}

/** Prompts of two kinds. `chance`: of a good answer, of each model on each kind. */
function world(count: number, chance: readonly [[number, number], [number, number]], seesOne: boolean): TrainingRow[] {
  return Array.from({ length: count }, (_, index): TrainingRow => {
    const kind = (index % 2) as 0 | 1;
    const observed = [0, 1].map((model) => ({
      model,
      outcome: random.chance((chance[model] as [number, number])[kind]) ? 1 : 0,
    }));
    return { features: promptOf(kind), weight: 1, observed: seesOne ? [random.pick(observed)] : observed };
  });
}

const learn = (rows: readonly TrainingRow[]) =>
  trainPredictor(rows, models, findTopics(rows.map(({ features }) => features)));

describe('trainPredictor', () => {
  it('finds which model is good at which kind of prompt, from one outcome for each prompt', () => {
    const predictor = learn(
      world(
        600,
        [
          [0.9, 0.3],
          [0.4, 0.8],
        ],
        true,
      ),
    );
    for (const [kind, truth] of [
      [0, [0.9, 0.4]],
      [1, [0.3, 0.8]],
    ] as const) {
      const means = Array.from({ length: 50 }, () => predict(predictor, promptOf(kind)).means);
      for (const model of [0, 1] as const) {
        const mean = means.reduce((sum, one) => sum + (one[model] as number), 0) / means.length;
        expect(Math.abs(mean - truth[model])).toBeLessThan(0.15);
      }
    }
  });

  it('says the same of all prompts where there is nothing to find', () => {
    const predictor = learn(
      world(
        1000,
        [
          [0.7, 0.7],
          [0.5, 0.5],
        ],
        false,
      ),
    );
    const differences = Array.from({ length: 100 }, (_, index) => {
      const { means } = predict(predictor, promptOf((index % 2) as 0 | 1));
      return (means[0] as number) - (means[1] as number);
    });
    const mean = differences.reduce((sum, value) => sum + value, 0) / differences.length;
    const spread = Math.sqrt(differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / differences.length);
    expect(mean).toBeCloseTo(0.2, 1);
    expect(spread).toBeLessThan(0.06);
  });

  it('keeps to the prior where it has seen nothing, and is surer the more it has seen', () => {
    const rows = world(
      200,
      [
        [0.9, 0.9],
        [0.9, 0.9],
      ],
      false,
    );
    const nothing = trainPredictor([], models, findTopics(rows.map(({ features }) => features)));
    const few = learn(rows.slice(0, 100));
    const many = learn(
      world(
        2000,
        [
          [0.9, 0.2],
          [0.2, 0.9],
        ],
        false,
      ),
    );
    const features = promptOf(0);
    expect([...predict(nothing, features).means]).toEqual([0.5, 0.5]);
    const [sure = 1, unsure = 0] = [many, few].map(
      (predictor) => deviationsOf(predictor, predict(predictor, features).shares)[0],
    );
    expect(sure).toBeLessThan(unsure);
  });

  it('goes by what the models do on the whole where a prompt is of no kind that it knows', () => {
    const rows = world(
      600,
      [
        [0.9, 0.3],
        [0.4, 0.8],
      ],
      false,
    );
    const predictor = learn(rows);
    const differenceOf = ([first = 0, second = 0]: Iterable<number> & ArrayLike<number>): number => first - second;
    const usual = differenceOf(predictor.modelMeans);
    const strange = Uint16Array.from({ length: 30 }, (_, index) => 40_000 + index);
    expect(Math.abs(differenceOf(predict(predictor, strange).means) - usual)).toBeLessThan(0.05);
    expect(Math.abs(differenceOf(predict(predictor, promptOf(0)).means) - usual)).toBeGreaterThan(0.2);
  });

  it('is the same for the same rows, and shares of topics sum to one', () => {
    const rows = world(
      300,
      [
        [0.9, 0.3],
        [0.4, 0.8],
      ],
      true,
    );
    const bytesOf = () => encodePredictor({ version: 1, predictor: learn(rows), centres: new Float32Array(6) });
    expect(bytesOf().equals(bytesOf())).toBe(true);
    const shares = topicShares(findTopics(rows.map(({ features }) => features)), promptOf(1));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
  });
});

describe('a predictor as bytes', () => {
  const rows = world(
    300,
    [
      [0.9, 0.3],
      [0.4, 0.8],
    ],
    true,
  );
  const centred = { version: 7, predictor: learn(rows), centres: Float32Array.from([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]) };

  it('comes back as it was', () => {
    const bytes = encodePredictor(centred);
    const { version, centres, predictor } = decodePredictor(bytes);
    expect([version, centres, predictor.models]).toEqual([7, centred.centres, ['a', 'b']]);
    for (const kind of [0, 1] as const) {
      const features = promptOf(kind);
      expect(predict(predictor, features)).toEqual(predict(centred.predictor, features));
    }
    expect(encodePredictor({ version, centres, predictor }).equals(bytes)).toBe(true);
    expect(bytes.length).toBeLessThan(60_000);
  });

  it('is refused when a single bit is another', () => {
    const bytes = encodePredictor(centred);
    for (const place of [0, 31, 32, 40, bytes.length - 1]) {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8(damaged.readUInt8(place) ^ 1, place);
      expect(() => decodePredictor(damaged)).toThrow(DamagedPredictor);
    }
    expect(() => decodePredictor(bytes.subarray(0, 20))).toThrow(DamagedPredictor);
  });

  it('shifts each model by what the prompt adds to its mean at the complexity', () => {
    const features = promptOf(0);
    const { means } = predict(centred.predictor, features);
    const shifts = successShifts(centred, features, 'medium');
    expect(shifts.get('a')).toBeCloseTo((means[0] as number) - 0.2, 6);
    expect(shifts.get('b')).toBeCloseTo((means[1] as number) - 0.5, 6);
  });
});
