import { expect, test } from 'vitest';
import { callTargets } from './call-targets.ts';

test.each([
  [null, { provider: 'openai', key: 'openai#only', deployment: 'openai/gpt-6-luna' }],
  ['1', { provider: 'openai', key: 'openai#1', deployment: 'openai/gpt-6-luna#1' }],
])('key %s → %o', (keyId, expected) => {
  expect(callTargets('openai', keyId, 'openai/gpt-6-luna')).toEqual(expected);
});
