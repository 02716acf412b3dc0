import { expect, test } from 'vitest';
import { createNeighbours } from './nearest-neighbours.ts';
import { aRow } from '../../../test/support/evaluation.ts';
import { meanScores } from './rows.ts';
import { familySplits, foldSplits } from './splits.ts';

test('the nearest texts share rare words, and as many as there are', () => {
  const near = createNeighbours(['the cat sat', 'the dog ran', 'the the the', 'cat and dog ran'], 2);
  expect(near('a cat sat')).toEqual([0, 3]);
  expect(near('Dog RAN')).toEqual([1, 3]);
  expect(near('nothing alike')).toEqual([]);
});

test('mean scores: of a model without any the mean of all', () => {
  const rows = [
    [1, 0.5, null],
    [0, null, null],
  ].map((scores, index) =>
    aRow(
      String(index),
      scores.map((score) => (score === null ? null : { score, costUsd: 0 })),
    ),
  );
  expect([...meanScores(rows, 3)]).toEqual([0.5, 0.5, 0.5]);
  expect([...meanScores([], 1)]).toEqual([0.5]);
});

test('no split tests what it trains on, each row is tested once, and what does not count is not learned from', () => {
  const rows = Array.from({ length: 60 }, (_, index) =>
    aRow(`row ${index}`, [{ score: 1, costUsd: 0 }], { fold: index % 5, counts: index !== 7 }),
  );
  // More families than splits, so that some share one.
  const families = rows.map((_, index) => `family ${index % 30}`);
  for (const splits of [foldSplits(rows), familySplits(rows, families)]) {
    expect(splits.flatMap(({ test: tested }) => tested).sort((a, b) => a - b)).toEqual([...rows.keys()]);
    for (const { train, test: tested } of splits) {
      expect(train).not.toContain(7);
      expect(train.filter((place) => tested.includes(place))).toEqual([]);
    }
  }
  for (const { train, test: tested } of familySplits(rows, families)) {
    const left = new Set(tested.map((place) => families[place]));
    expect(train.some((place) => left.has(families[place]))).toBe(false);
  }
});
