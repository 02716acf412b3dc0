import { expect, test } from 'vitest';
import { aModel, aSnapshot } from '../../../test/support/catalogue.ts';
import { type Decision, decide } from '../decide.ts';
import { promptFromText } from '../classify/prompt.ts';
import { policyFromConfig } from '../policy-from-config.ts';
import { anyModel } from '../select/policy.ts';
import { loadConfig } from '../../platform/config/load.ts';
import { createRecentDecisions } from './recent-decisions.ts';

const snapshot = aSnapshot([aModel('gpt-6-sol', 'openai')]);
const policy = policyFromConfig(loadConfig({ env: {}, cwd: '/nonexistent' }));

function aDecision(decisionId: string): Decision {
  const context = {
    snapshot,
    policy,
    policyVersion: '1',
    expectedTtftMs: () => null,
    exploration: null,
    decisionId,
    nowMs: 1,
  };
  return decide({ prompt: promptFromText('Hello'), requestedModel: 'auto', constraints: anyModel }, context);
}

test('the newest are remembered, as many as there is room for', () => {
  const recent = createRecentDecisions(3);
  for (let number = 1; number <= 8; number += 1) recent.add(aDecision(`decision ${number}`));
  const known = Array.from({ length: 8 }, (_, index) => recent.find(`decision ${index + 1}`)?.decisionId);
  expect(known.filter((id) => id !== undefined)).toEqual(['decision 6', 'decision 7', 'decision 8']);
});

test('a decision is open until its model is called', () => {
  const recent = createRecentDecisions(3);
  recent.add(aDecision('one'));
  expect(recent.find('one')).toMatchObject({ modelId: 'gpt-6-sol', providerName: 'openai', isOpen: true });
  recent.markCalled('one');
  recent.markCalled('never made');
  expect(recent.find('one')).toMatchObject({ isOpen: false });
  expect(recent.find('never made')).toBeUndefined();
});
