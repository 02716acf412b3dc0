import { describe, expect, test } from 'vitest';
import { aModel, aSnapshot } from '../../test/support/catalogue.ts';
import { loadConfig } from '../platform/config/load.ts';
import { promptFromText } from './classify/prompt.ts';
import { decide } from './decide.ts';
import { policyFromConfig } from './policy-from-config.ts';
import { anyModel } from './select/policy.ts';

const aliases = { mine: ['azure/big', 'small'], 'gpt-4': ['small'] };
const models = [aModel('big', 'azure'), aModel('small', 'openai'), aModel('gpt-4', 'openai')];
const policy = policyFromConfig(
  loadConfig({ env: {}, cwd: '/nonexistent', flags: { routing: { aliases, exploration: { enabled: false } } } }),
);

function chainOf(requestedModel: string, more: { models?: string[]; allowedModels?: string[] } = {}): string[] {
  const { chain } = decide(
    {
      prompt: promptFromText('Hello'),
      requestedModel,
      models: more.models ?? null,
      constraints: { ...anyModel, allowedModels: more.allowedModels ?? null },
    },
    {
      snapshot: aSnapshot(models),
      policy,
      policyVersion: '1',
      expectedTtftMs: () => null,
      exploration: null,
      decisionId: '00000000-0000-7000-8000-000000000000',
      nowMs: 0,
    },
  );
  return chain.map(({ providerName, modelId }) => `${providerName}/${modelId}`);
}

describe('an alias', () => {
  test('stands for its models in their order, and goes before a model of the same name', () => {
    expect(chainOf('mine')).toEqual(['azure/big', 'openai/small']);
    expect(chainOf('gpt-4')).toEqual(['openai/small']);
    expect(chainOf('openai/gpt-4')).toEqual(['openai/gpt-4']);
  });

  test('may stand among the further models of a request, and bound the choice of auto', () => {
    expect(chainOf('openai/gpt-4', { models: ['mine'] })).toEqual(['openai/gpt-4', 'azure/big', 'openai/small']);
    expect(chainOf('auto', { models: ['gpt-4'] })).toEqual(['openai/small']);
  });

  test('may be used by a key that may use it, or those of its models that it may use', () => {
    expect(chainOf('mine', { allowedModels: ['mine'] })).toEqual(['azure/big', 'openai/small']);
    expect(chainOf('mine', { allowedModels: ['small'] })).toEqual(['openai/small']);
    expect(() => chainOf('mine', { allowedModels: ['other'] })).toThrow('the key may not use the model mine');
    // What the key may use under one name is not opened under another.
    expect(() => chainOf('azure/big', { allowedModels: ['mine'] })).toThrow('may not use');
  });

  test('is open to auto too where the key may use the name, and nothing beside it', () => {
    const chosen = chainOf('auto', { models: ['mine', 'gpt-4'], allowedModels: ['mine'] });
    expect(chosen.sort()).toEqual(['azure/big', 'openai/small']);
    expect(() => chainOf('auto', { models: ['azure/big'], allowedModels: ['mine'] })).toThrow('no eligible model');
    expect(() => chainOf('auto', { allowedModels: ['mine'] })).toThrow('no eligible model');
  });

  test('names no model a second time', () => {
    expect(chainOf('mine', { models: ['azure/big', 'mine'] })).toEqual(['azure/big', 'openai/small']);
  });

  test('is no name that every object has', () => {
    expect(() => chainOf('constructor')).toThrow('does not exist here');
  });

  test('is refused where it would stand for auto', () => {
    const flags = { routing: { aliases: { mine: ['auto'] } } };
    expect(() => loadConfig({ env: {}, cwd: '/nonexistent', flags })).toThrow(
      'routing.aliases.mine.0: must be the name',
    );
  });
});
