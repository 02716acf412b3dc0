import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KnownModel } from '../../platform/store/models.ts';
import { compareAge, parseModelName } from './family.ts';
import { findCandidates } from './find-candidates.ts';

describe('parseModelName', () => {
  it.each([
    ['gpt-6-luna', 'gpt-luna', [6], null],
    ['gpt-5.4-mini', 'gpt-mini', [5, 4], null],
    ['gpt-4o-mini-2024-07-18', 'gpt-mini', [4], 20240718],
    ['gpt-4-turbo-preview', 'gpt-turbo', [4], null],
    ['claude-opus-4-5-20251101', 'claude-opus', [4, 5], 20251101],
    ['claude-3-5-sonnet-latest', 'claude-sonnet', [3, 5], null],
    ['anthropic/claude-opus-5.5', 'claude-opus', [5, 5], null],
    ['o3-mini', 'o-mini', [3], null],
    ['gemini-2.5-flash-lite-preview-09-2025', 'gemini-flash-lite', [2, 5], 92025],
    ['llama3.2:3b', 'llama:3b', [3, 2], null],
    ['meta-llama/Llama-3.3-70B-Instruct', 'llama-70b-instruct', [3, 3], null],
    ['deepseek-v3.1', 'deepseek', [3, 1], null],
    ['plain', 'plain', [], null],
  ])('%s is of %s', (id, family, version, date) => {
    expect(parseModelName(id)).toEqual({ family, version, date });
  });

  it.each([
    ['claude-opus-5', 'claude-opus-4-8'],
    ['claude-opus-5-5', 'claude-opus-5'],
    ['gpt-6-luna', 'gpt-5.6-luna'],
    ['gpt-5.10', 'gpt-5.9'],
    ['gpt-4o-2024-11-20', 'gpt-4o-2024-08-06'],
  ])('%s is newer than %s', (newer, older) => {
    expect(compareAge(parseModelName(newer), parseModelName(older))).toBeGreaterThan(0);
    expect(compareAge(parseModelName(older), parseModelName(newer))).toBeLessThan(0);
  });

  it('takes any text, and an order turned round is the opposite order', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        const order = compareAge(parseModelName(a), parseModelName(b));
        expect(Math.sign(compareAge(parseModelName(b), parseModelName(a))) + Math.sign(order)).toBe(0);
      }),
    );
  });
});

describe('findCandidates', () => {
  const first = new Date('2026-06-01T00:00:00Z');
  const known = (modelId: string, changes: Partial<KnownModel> = {}): KnownModel => ({
    provider: 'openai',
    modelId,
    listed: true,
    source: 'discovered',
    textGeneration: true,
    createdAt: first,
    ...changes,
  });
  const idsOf = (listed: string[], rows: KnownModel[]) =>
    findCandidates('openai', listed, rows).map((candidate) => candidate.modelId);
  const later = { createdAt: new Date('2026-07-01T00:00:00Z') };

  it('finds nothing new in a provider that is new itself', () => {
    expect(idsOf(['gpt-6-sol'], [])).toEqual([]);
    expect(idsOf(['gpt-6-sol'], [known('gpt-6-sol')])).toEqual([]);
  });

  it('finds what the catalogue does not have, and what came into it later than the provider', () => {
    expect(idsOf(['gpt-5-sol', 'gpt-6-sol', 'gpt-7-sol'], [known('gpt-5-sol'), known('gpt-6-sol', later)])).toEqual([
      'gpt-6-sol',
      'gpt-7-sol',
    ]);
    const aMinute = { createdAt: new Date(first.getTime() + 60_000) };
    expect(idsOf(['gpt-6-sol'], [known('gpt-5-sol'), known('gpt-6-sol', aMinute)])).toEqual([]);
  });

  it('leaves out what is not listed, what an operator added, and what does not generate text', () => {
    const rows = [known('gpt-5-sol'), known('mine', { ...later, source: 'manual' }), known('gone', later)];
    const embedding = known('new-embedding', { ...later, textGeneration: false });
    expect(idsOf(['mine', 'new-embedding', 'whisper-9'], [...rows, embedding])).toEqual([]);
  });

  it('says which model it could replace, and why', () => {
    const rows = [known('gpt-5-sol'), known('gpt-5.6-sol'), known('gpt-6-luna')];
    const [newer] = findCandidates('openai', ['gpt-6-sol'], rows);
    expect(newer).toMatchObject({ replaces: 'gpt-5.6-sol', preview: false });
    expect(newer?.reason).toBe('is listed and not in the catalogue; newer than gpt-5.6-sol');
    const [older] = findCandidates('openai', ['gpt-4-sol'], rows);
    expect(older).toMatchObject({
      replaces: null,
      reason: expect.stringContaining('older than gpt-5.6-sol') as string,
    });
    const [other] = findCandidates('openai', ['gpt-1-terra-preview'], rows);
    expect(other).toMatchObject({ replaces: null, preview: true });
  });
});
