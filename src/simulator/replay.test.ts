import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../statistics/random.ts';
import { loadReplay } from './replay.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'replay-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
}

const rows = [
  {
    prompt: 'First  Question',
    outcomes: { a: { answer: 'A1', score: 1 }, b: { text: 'B1' }, c: { score: 0.25 }, d: 1 },
  },
  { id: 'row-2', prompt: 'Second\nquestion — ünïcode', scores: { a: 0 } },
  { prompt: 'first question', model: 'e', response: 'E1' },
];
const lines = `${rows.map((row) => JSON.stringify(row)).join('\n\n')}\n`;

describe('loadReplay', () => {
  it.each([
    ['plain', 'rows.jsonl', lines],
    ['packed', 'rows.jsonl.gz', gzipSync(lines)],
  ])('finds what a %s file records', async (_, name, content) => {
    const replay = await loadReplay(await file(name, content));
    const find = (prompt: string, model: string) => replay.find(prompt, model, createRandom('x'));
    expect(replay.models).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(['a', 'b', 'd', 'e'].map((model) => find('first question', model))).toEqual(['A1', 'B1', 'right', 'E1']);
    expect(find('second question — ÜNÏCODE', 'a')).toBe('wrong');
    expect(find('row-2', 'a')).toBe('wrong');
    expect(find('first question', 'z')).toBeUndefined();
    expect(find('third question', 'a')).toBeUndefined();
  });

  it('is right as often as the score says', async () => {
    const replay = await loadReplay(await file('scores.jsonl', lines));
    const answers = Array.from({ length: 2000 }, (_, seed) => replay.find('first question', 'c', createRandom(seed)));
    const right = answers.filter((answer) => answer === 'right').length;
    expect(right).toBeGreaterThan(430);
    expect(right).toBeLessThan(570);
  });

  it.each([
    ['{"prompt": "a"}', 'line 2: the row has none of the known forms'],
    ['{"outcomes": {"a": 1}}', 'line 2: neither prompt nor id'],
    ['{"prompt": "a", "scores": {"m": 7}}', 'line 2'],
    ['not json', 'line 2'],
  ])('refuses the row %j with its line', async (row, message) => {
    const path = await file('bad.jsonl', `${JSON.stringify(rows[0])}\n${row}\n`);
    await expect(loadReplay(path)).rejects.toThrow(message);
  });

  it('refuses what it cannot read or hold', async () => {
    await expect(loadReplay(join(directory, 'none.jsonl'))).rejects.toThrow('cannot replay');
    await expect(loadReplay(await file('broken.jsonl.gz', 'not gzip'))).rejects.toThrow('cannot replay');
    const row = `${JSON.stringify({ id: 'x', scores: { a: 1 }, more: 'x'.repeat(1024 * 1024) })}\n`;
    const large = gzipSync(row.repeat(260), { level: 1 });
    await expect(loadReplay(await file('large.jsonl.gz', large))).rejects.toThrow('more than 256 MiB unpacked');
    const long = gzipSync(Buffer.alloc(20 * 1024 * 1024, 'x'), { level: 1 });
    await expect(loadReplay(await file('long.jsonl.gz', long))).rejects.toThrow('a row of more than');
  });
});
