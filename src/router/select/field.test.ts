import { expect, it } from 'vitest';
import { aModel, aSnapshot } from '../../../test/support/catalogue.ts';
import { configSchema } from '../../platform/config/schema.ts';
import { policyFromConfig } from '../policy-from-config.ts';
import { rankModels } from './choose.ts';
import { chooseField } from './field.ts';
import { anyModel } from './policy.ts';

function fieldOf(count: number, ...models: ReadonlyArray<[model: string, provider: string, score: number]>): string[] {
  const snapshot = aSnapshot(
    models.map(([model, provider, score]) =>
      aModel(model, provider, { complexity_scores: { simple: score, medium: score, complex: score } }),
    ),
  );
  const request = { ...anyModel, queryType: 'technical', complexity: 'medium', inputTokens: 100 } as const;
  const policy = { ...policyFromConfig({ routing: configSchema.parse({}).routing }), preferences: noPreferences };
  const { ranked } = rankModels(snapshot.models, request, policy, () => 500);
  return chooseField(ranked, count).map(({ entry }) => entry.key);
}

const noPreferences = { simple: [], technical: [], research: [], multimedia: [] };

it('begins with the best, and prefers what differs from those already in', () => {
  // A little worse, but of another family at another provider.
  expect(fieldOf(2, ['gpt-5', 'one', 4.5], ['gpt-5-mini', 'one', 4.4], ['claude-4', 'two', 4.3])).toEqual([
    'one/gpt-5',
    'two/claude-4',
  ]);
  // Much worse is too much.
  expect(fieldOf(2, ['gpt-5', 'one', 4.5], ['gpt-5-mini', 'one', 4.4], ['claude-4', 'two', 2])).toEqual([
    'one/gpt-5',
    'one/gpt-5-mini',
  ]);
});

it('has no model twice, whoever offers it', () => {
  expect(fieldOf(3, ['gpt-5', 'one', 4.5], ['openai/gpt-5', 'two', 4.5], ['claude-4', 'one', 1])).toEqual([
    'one/gpt-5',
    'one/claude-4',
  ]);
});
