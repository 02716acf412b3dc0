import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/statistics/random.ts';
import { startSignalbox } from '../support/app.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-evaluate-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function evaluate(...args: string[]) {
  const child = startSignalbox(['evaluate', ...args]);
  const code = await child.waitForExit();
  return { code, stdout: child.stdout(), stderr: child.stderr() };
}

function write(name: string, rows: readonly unknown[]): string {
  const file = join(folder, name);
  const text = rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n');
  writeFileSync(file, name.endsWith('.gz') ? gzipSync(text) : text);
  return file;
}

/** Of two kinds of questions, each of which one model answers better; a third is as good as the mean of both, and dear. */
function someRows(count: number): Array<Record<string, unknown> & { id: string; prompt: string }> {
  const random = createRandom('evaluate');
  const words = { sum: ['add', 'number', 'total', 'digits'], poem: ['rhyme', 'verse', 'moon', 'love'] };
  return Array.from({ length: count }, (_, index) => {
    const task = index % 2 === 0 ? 'sum' : 'poem';
    const prompt = Array.from({ length: 6 }, () => random.pick(words[task])).join(' ');
    const score = (rate: number) => Number(random.chance(rate));
    return {
      id: `row-${index}`,
      prompt: `${prompt} ${index}`,
      task,
      outcomes: {
        counter: { score: score(task === 'sum' ? 0.9 : 0.2), cost_usd: 0.001, latency_s: 1 },
        poet: { score: score(task === 'sum' ? 0.2 : 0.9), cost_usd: 0.002 },
        large: { score: score(0.6), cost_usd: 0.01 },
      },
    };
  });
}

interface MethodOfReport {
  method: string;
  measures: Record<string, { value: number; interval: [number, number] }>;
}

describe('signalbox evaluate', () => {
  it('measures out of fold, beside its baselines, and writes a pick for every row', { timeout: 60_000 }, async () => {
    const rows = someRows(300);
    const repeated = { ...rows[0], id: 'again' };
    const file = write('rows.jsonl.gz', [
      ...rows,
      repeated,
      { ...rows[1], id: 'seen', prompt: 'x', contaminated: true },
    ]);
    const prefix = join(folder, 'picks');
    const options = ['--trade-off', '1,0,0.5', '--resamples', '50', '--picks', prefix, '--json'];
    const { code, stdout, stderr } = await evaluate('--data', file, ...options);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });

    const report = JSON.parse(stdout) as {
      notes: string[];
      labels: boolean;
      rows: number;
      curve: Array<{ tradeOff: number; costUsd: number }>;
      methods: MethodOfReport[];
      calibration: { ece: number };
    };
    expect(report).toMatchObject({ rows: 300, labels: true, pair: null });
    expect(report.notes.join()).toMatch(/^1 rows repeat a prompt.*,1 prompts are marked as contaminated/);
    expect(report.curve.map(({ tradeOff }) => tradeOff)).toEqual([0, 0.5, 1]);
    const of = (method: string) => report.methods.find((each) => each.method === method)?.measures;
    expect(of('signalbox')?.['quality']?.value).toBeGreaterThan(0.8);
    expect(of('best_single')?.['quality']?.value).toBeLessThan(0.7);
    expect(of('signalbox')?.['gain_points']?.interval[0]).toBeGreaterThan(0);
    expect(of('oracle')?.['quality']?.value).toBeGreaterThan(of('signalbox')?.['quality']?.value ?? 1);
    expect(report.methods.map(({ method }) => method).sort()).toEqual([
      'best_single',
      'cheapest_good_single',
      'no_prompt',
      'oracle',
      'random_mix',
      'signalbox',
      'single_models_hull',
      'task_lookup',
      'tf_idf_knn',
    ]);

    const picksAt = (tradeOff: string) =>
      readFileSync(`${prefix}.${tradeOff}.jsonl`, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { id: string; model: string });
    const best = picksAt('0');
    expect(best.map(({ id }) => id).sort()).toEqual([...rows.map(({ id }) => id), 'again', 'seen'].sort());
    expect(best.find(({ id }) => id === 'row-0')?.model).toBe('counter');
    expect(best.find(({ id }) => id === 'again')?.model).toBe('counter');
    expect(best.filter(({ model }) => model === 'poet').length).toBeGreaterThan(120);
    expect(new Set(picksAt('1').map(({ model }) => model))).toEqual(new Set(['counter']));
    expect(existsSync(`${prefix}.0.5.jsonl`)).toBe(true);
  });

  it('trains on one file, tests on another, and says it in words', { timeout: 60_000 }, async () => {
    const rows = someRows(260);
    const train = write('train.jsonl', rows.slice(0, 220));
    // Some of what is tested stands in both, and is not learned from.
    const test = write('test.jsonl', rows.slice(200));
    const { code, stdout } = await evaluate('--data', test, '--train', train, '--no-labels', '--resamples', '20');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^60 prompts, 3 models\n· 20 training rows are left out: their prompts are tested\n/);
    expect(stdout).toContain('trained on another file of 200 rows; no labels used');
    expect(stdout).toMatch(/\nSignalbox +\d\d\.\d\d +\$\d/);
    expect(stdout).toMatch(/\na decision: p50 \d+ µs/);
  });

  it('replays online, with a model that comes later', { timeout: 60_000 }, async () => {
    const file = write('online.jsonl', someRows(240));
    const { code, stdout } = await evaluate(
      '--data',
      file,
      '--online',
      '--add',
      'poet@120',
      '--shuffles',
      '1',
      '--blocks',
      '--json',
    );
    expect(code).toBe(0);
    const { streams } = JSON.parse(stdout) as { streams: Array<{ stream: string; requests: number }> };
    expect(streams).toMatchObject([
      { stream: 'by order', requests: 240 },
      { stream: 'shuffle 1', requests: 240 },
    ]);
  });

  it('says in one line what is wrong with a file', async () => {
    const file = write('bad.jsonl', [...someRows(1), { id: 'a', prompt: 'b', outcomes: { small: { score: 1 } } }]);
    const { code, stdout, stderr } = await evaluate('--data', file, '--json');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^error: .*bad\.jsonl:2: outcomes\.small\.cost_usd: [^\n]*\n$/);
  });
});

const published = new URL('../../../shared/data/routellm/mt_bench.jsonl.gz', import.meta.url).pathname;

// The data are not part of the product.
describe.skipIf(!existsSync(published))(
  'on the published outcomes of MT-Bench (skipped where ../shared/data is not)',
  () => {
    it('knows its form: scores of 10, prices of the pair, contaminated prompts', { timeout: 60_000 }, async () => {
      const { code, stdout } = await evaluate('--data', published, '--resamples', '20', '--json');
      expect(code).toBe(0);
      const report = JSON.parse(stdout) as { notes: string[]; models: unknown[]; pair: { methods: MethodOfReport[] } };
      expect(report).toMatchObject({ rows: 72, pair: { strong: 'gpt-4-1106-preview' } });
      expect(report.notes.join('\n')).toMatch(
        /^scores run above 1: they are taken to be of 10.*\n8 prompts are marked.*\ncosts/,
      );
      expect(report.models).toContainEqual(
        expect.objectContaining({ model: 'gpt-4-1106-preview', quality: expect.closeTo(0.9212, 4) as number }),
      );
    });
  },
);
