import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, test } from 'vitest';
import { StartupError } from '../platform/core/errors.ts';
import { readData } from './evaluate-data.ts';

const folder = mkdtempSync(join(tmpdir(), 'signalbox-evaluate-data-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, rows: readonly unknown[]): string {
  const file = join(folder, name);
  writeFileSync(file, rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'));
  return file;
}

const outcome = { score: 1, cost_usd: 0.1 };
const row = { id: 'a', prompt: 'What is it?', outcomes: { small: outcome } };

describe('what is wrong with a file is said in one line, with its place', () => {
  it.each<[string, readonly unknown[], RegExp]>([
    ['no JSON', [row, '{'], /bad\.jsonl:2: is not JSON$/],
    ['no outcomes', [{ ...row, outcomes: undefined }], /bad\.jsonl:1: has neither outcomes nor scores$/],
    ['no outcome', [{ ...row, outcomes: {} }], /bad\.jsonl:1: has no outcome of any model$/],
    ['a score below 0', [{ ...row, outcomes: { m: { ...outcome, score: -1 } } }], /bad\.jsonl:1: outcomes\.m\.score: /],
    [
      'a score above 100',
      [{ ...row, outcomes: { m: { ...outcome, score: 101 } } }],
      /bad\.jsonl:1: has a score of 101, /,
    ],
    ['a fold of none', [{ ...row, fold: 5 }], /bad\.jsonl:1: fold: /],
    ['an id twice', ['', row, row], /bad\.jsonl:3: has the id of line 2, a$/],
    ['no prices', [{ id: 'a', prompt: 'b', scores: { m: 1 } }], /models\.json: .*rows with scores need prices/],
    ['nothing', ['', ' '], /bad\.jsonl: is empty$/],
    ['nothing that counts', [{ ...row, contaminated: true }], /bad\.jsonl: has no row to test$/],
  ])('%s', (_name, rows, expected) => {
    const read = () => readData(write('bad.jsonl', rows), null);
    expect(read).toThrow(StartupError);
    expect(read).toThrow(expected);
    expect(read).not.toThrow(/\n/);
  });

  it('a file that is not there', () => {
    expect(() => readData(join(folder, 'none.jsonl'), null)).toThrow(/none\.jsonl: ENOENT/);
  });
});

test('scores beside prices: costs by input and 256 tokens of output, scores of ten, and both are said', () => {
  mkdirSync(join(folder, 'priced'));
  const rows = [
    { id: 1, prompt: 'x', scores: { small: 8 }, tokens_in_est: 744 },
    { id: 2, prompt: '12345678', scores: { small: 10, large: null } },
  ];
  const file = write('priced/rows.jsonl', rows);
  writeFileSync(
    join(folder, 'priced/models.json'),
    JSON.stringify({ small: { input_usd_per_mtok: 1, output_usd_per_mtok: 2 } }),
  );
  const { rows: read, models, notes } = readData(file, null);
  expect(models).toEqual(['small']);
  expect(read.map(({ outcomes }) => outcomes)).toEqual([
    [{ score: 0.8, costUsd: (744 + 512) / 1e6 }],
    [{ score: 1, costUsd: (2 + 512) / 1e6 }],
  ]);
  expect(notes).toEqual([expect.stringContaining('divided by it'), expect.stringContaining('256')]);
});

test('a prompt counts once, whatever its spaces and capitals, with the ids of all its rows', () => {
  const file = write('repeated.jsonl', [
    row,
    { ...row, id: 'b', prompt: ' what is  IT?', fold: 1 },
    { ...row, id: 'c', tools: [{ name: 'look' }] },
  ]);
  const { rows: read, notes } = readData(file, null);
  expect(read.map(({ ids, prompt }) => ({ ids, toolCount: prompt.toolCount }))).toEqual([
    { ids: ['a', 'b'], toolCount: 0 },
    { ids: ['c'], toolCount: 1 },
  ]);
  expect(notes).toEqual(['1 rows repeat a prompt: each counts once']);
});

test('what is tested is not trained on, and models of either file are known', () => {
  const data = write('data.jsonl', [row, { ...row, id: 'b', prompt: 'Another' }]);
  const training = write('training.jsonl', [row, { ...row, prompt: 'New', id: 'n', outcomes: { large: outcome } }]);
  const read = readData(data, training);
  expect(read.models).toEqual(['small', 'large']);
  expect(read.training?.map(({ ids }) => ids)).toEqual([['n']]);
  expect(read.training?.map(({ outcomes }) => outcomes[0])).toEqual([null]);
  expect(() => readData(data, data)).toThrow(/data\.jsonl: has no row to train on$/);
});
