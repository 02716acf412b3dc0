import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aModel, aSnapshot, type ModelChanges } from '../../../test/support/catalogue.ts';
import { loadConfig } from '../../platform/config/load.ts';
import { promptFromText } from '../classify/prompt.ts';
import { type DecisionContext, type DecisionRequest, decide } from '../decide.ts';
import { policyFromConfig } from '../policy-from-config.ts';
import { type Snapshot, withRollouts } from '../snapshot/snapshot.ts';
import { anyModel, type SelectionRequest } from './policy.ts';
import { type ActiveRollout, type NotCopied, placeIn, type TrialTerms, unitOf } from './rollout.ts';

const policy = policyFromConfig(loadConfig({ env: {}, cwd: '/' }));
const scores = { simple: 5, medium: 5, complex: 5 };
const canary: ActiveRollout = {
  rolloutId: '0197f0a0-0000-7000-8000-000000000001',
  state: 'canary',
  share: 0.5,
  candidateKey: 'p/new',
  controlKey: 'p/old',
};
const shadow: ActiveRollout = { ...canary, state: 'shadow' };

function snapshotWith(rollout: ActiveRollout | null, candidate: ModelChanges = {}, unhealthy: string[] = []): Snapshot {
  const provider = candidate.provider ?? 'p';
  const models = [
    aModel('old', 'p', { complexity_scores: scores }),
    aModel('other', 'q'),
    aModel('new', provider, { status: 'preview', ...candidate }),
  ];
  const snapshot = aSnapshot(models, { unhealthy });
  return rollout === null ? snapshot : withRollouts(snapshot, [{ ...rollout, candidateKey: `${provider}/new` }]);
}

interface Asked extends Partial<Omit<DecisionRequest, 'constraints' | 'trial'>> {
  constraints?: Partial<SelectionRequest>;
  conversationId?: string | null;
  refusesCopy?: TrialTerms['refusesCopy'];
  staysAtProvider?: boolean;
  exploration?: DecisionContext['exploration'];
}

function decideFor(
  snapshot: Snapshot,
  {
    conversationId = 'c',
    refusesCopy = null,
    staysAtProvider = false,
    constraints,
    exploration = null,
    ...asked
  }: Asked = {},
) {
  return decide(
    {
      prompt: promptFromText('Hello'),
      requestedModel: 'auto',
      ...asked,
      constraints: { ...anyModel, ...constraints },
      ...(conversationId === null ? {} : { trial: { conversationId, refusesCopy, staysAtProvider } }),
    },
    {
      snapshot,
      policy,
      policyVersion: 'v',
      expectedTtftMs: () => null,
      exploration,
      decisionId: '0197f0a0-0000-7000-8000-0000000000aa',
      nowMs: 0,
    },
  );
}

const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `conversation ${index}`);
const inCanary = ids(100).find((id) => placeIn(canary.rolloutId, 'canary', id) < 0.05) ?? '';
const inControl = ids(100).find((id) => placeIn(canary.rolloutId, 'canary', id) > 0.95) ?? '';

describe('the place of a conversation', () => {
  it('is the same in every version, or conversations would change their model with it', () => {
    expect(placeIn(canary.rolloutId, 'canary', 'one')).toBeCloseTo(0.2137378822709799, 12);
  });

  it('is uniform', () => {
    const count = 20_000;
    const bins = Array.from({ length: 20 }, () => 0);
    for (const id of ids(count)) {
      const bin = Math.floor(placeIn(canary.rolloutId, 'canary', id) * bins.length);
      bins[bin] = (bins[bin] ?? 0) + 1;
    }
    const expected = count / bins.length;
    const chiSquare = bins.reduce((sum, seen) => sum + (seen - expected) ** 2 / expected, 0);
    // The 0.999 quantile at 19 degrees of freedom.
    expect(chiSquare).toBeLessThan(43.8);
  });

  it.each<[of: string, another: (id: string) => number]>([
    ['another rollout', (id) => placeIn('0197f0a0-0000-7000-8000-000000000002', 'canary', id)],
    ['the copies of its own', (id) => placeIn(canary.rolloutId, 'shadow', id)],
  ])('is independent of that in %s', (_, another) => {
    const count = 20_000;
    const low = ids(count).filter((id) => placeIn(canary.rolloutId, 'canary', id) < 0.5);
    const both = low.filter((id) => another(id) < 0.5).length;
    // Four standard deviations.
    expect(Math.abs(both - count / 4)).toBeLessThan(4 * Math.sqrt(count * 0.25 * 0.75));
  });

  it('keeps everybody in the canary as its share grows', () => {
    fc.assert(
      fc.property(fc.string(), fc.double({ min: 0.01, max: 0.5, noNaN: true }), fc.nat(100), (id, share, more) => {
        const arm = (of: number) =>
          decideFor(snapshotWith({ ...canary, share: of }), { conversationId: id }).rollout?.arm;
        expect([arm(share), arm(Math.min(0.5, share + more / 100))]).not.toEqual(['canary', 'control']);
      }),
    );
  });
});

describe('the unit of a conversation', () => {
  it('is the same at every router, and another in every rollout', () => {
    expect(unitOf(canary.rolloutId, 'one')).toBe('6f60d2425e16a29d');
    expect(unitOf('0197f0a0-0000-7000-8000-000000000002', 'one')).not.toBe(unitOf(canary.rolloutId, 'one'));
  });

  it('is that of the conversation in both arms, and in copies', () => {
    for (const id of [inCanary, inControl]) {
      const unit = unitOf(canary.rolloutId, id);
      expect(decideFor(snapshotWith(canary), { conversationId: id }).rollout?.unit).toBe(unit);
      expect(decideFor(snapshotWith({ ...shadow, share: 1 }), { conversationId: id }).copiedTo?.unit).toBe(unit);
    }
  });
});

describe('a canary', () => {
  const snapshot = snapshotWith(canary);

  it('answers before the control, which stands behind it', () => {
    const decision = decideFor(snapshot, { conversationId: inCanary });
    expect(decision.chain.map(({ modelId }) => modelId)).toEqual(['new', 'old', 'other']);
    expect(decision).toMatchObject({
      origin: 'canary',
      propensity: 0.5,
      rollout: {
        rollout_id: canary.rolloutId,
        arm: 'canary',
        share: 0.5,
        unit: unitOf(canary.rolloutId, inCanary),
      },
    });
    expect(decision.explanation.summary).toMatch(
      /^new as a canary in the place of old, on 50% of its conversations; old was the choice: /,
    );
  });

  it('takes nobody’s place in a chain of one', () => {
    const short = { ...policy, fallbackChainLength: 1 };
    const decision = decide(
      {
        prompt: promptFromText('Hello'),
        requestedModel: 'auto',
        constraints: anyModel,
        trial: { conversationId: inCanary, refusesCopy: 'surface', staysAtProvider: false },
      },
      {
        snapshot,
        policy: short,
        policyVersion: 'v',
        expectedTtftMs: () => null,
        exploration: null,
        decisionId: '0197f0a0-0000-7000-8000-0000000000aa',
        nowMs: 0,
      },
    );
    expect(decision.chain.map(({ modelId }) => modelId)).toEqual(['new', 'old']);
  });

  it('leaves the others to the control, and says so', () => {
    const decision = decideFor(snapshot, { conversationId: inControl });
    expect(decision.chain[0].modelId).toBe('old');
    expect(decision).toMatchObject({ origin: 'auto', propensity: 0.5, rollout: { arm: 'control', share: 0.5 } });
    expect(decision.explanation.summary).toMatch(/not on this one, new is tried out as a canary$/);
  });

  it('makes two choices of one, whose probabilities are the one’s', () => {
    const exploration = {
      bounds: { floor: 0.3, maxShare: 1, maxExtraCost: 1000 },
      drawsOf: () => new Float64Array(8).fill(4),
      uniform: 0,
    };
    const plain = decideFor(snapshotWith(null), { exploration });
    const arms = [inCanary, inControl].map((conversationId) => decideFor(snapshot, { exploration, conversationId }));
    expect(plain.propensity).toBeLessThan(1);
    expect(arms.map(({ rollout }) => rollout?.arm)).toEqual(['canary', 'control']);
    expect((arms[0]?.propensity ?? 0) + (arms[1]?.propensity ?? 0)).toBeCloseTo(plain.propensity ?? 0, 12);
    // What is listed of the model that answers is what is logged of the choice.
    const listed = arms[1]?.explanation.candidates.find(({ model }) => model === 'old');
    expect(listed?.probability).toBeCloseTo(arms[1]?.propensity ?? 0, 12);
  });

  it('goes on with its conversations, which count as the control’s in the choice', () => {
    const conversation = { modelKey: 'p/new', cachedInputTokens: 10 };
    const [ofCanary, ofControl] = [conversation, { ...conversation, modelKey: 'p/old' }].map((one) =>
      decideFor(snapshot, { conversationId: inCanary, constraints: { conversation: one } }),
    );
    expect(ofCanary?.chain[0].modelId).toBe('new');
    expect(ofCanary?.explanation.candidates).toEqual(ofControl?.explanation.candidates);
    expect(ofCanary?.explanation.candidates[0]?.terms.affinity).toBeGreaterThan(0);
  });

  it.each<[why: string, snapshot: Snapshot, asked: Asked]>([
    ['it is not tried in the place of what was chosen', snapshotWith({ ...canary, controlKey: 'q/other' }), {}],
    ['the catalogue does not list it', withRollouts(snapshot, [{ ...canary, candidateKey: 'p/gone' }]), {}],
    ['it lacks a capability', snapshotWith(canary, { capabilities: { function_calling: false } }), tools()],
    ['its context is too short', snapshotWith(canary, { context_window: 10 }), {}],
    ['it takes no such input', snapshotWith(canary, { modalities: { input: [], output: ['text'] } }), {}],
    ['the operator has disabled it', snapshotWith(canary, { status: 'disabled' }), {}],
    ['its provider fails health checks', snapshotWith(canary, { provider: 'r' }, ['r']), {}],
    ['the key may not use it', snapshot, { constraints: { allowedModels: ['old', 'other'] } }],
    ['the request names other models', snapshot, { models: ['old', 'other'] }],
    ['the request ignores its provider', snapshotWith(canary, { provider: 'r' }), ignores('r')],
    ['the request puts providers into an order', snapshot, { constraints: { providerOrder: ['p'] } }],
    [
      'it is too dear for the request',
      snapshotWith(canary, { costs: { output_tokens_per_1k: 1 } }),
      { constraints: { maxOutputUsdPerMillionTokens: 100 } },
    ],
    [
      'a budget holds the key and its price is unknown',
      snapshotWith(canary, { costs: { input_tokens_per_1k: null } }),
      { constraints: { requiresPrice: true } },
    ],
    ['answers are kept at another provider', snapshotWith(canary, { provider: 'r' }), { staysAtProvider: true }],
    ['only advice is asked for', snapshot, { expectsOutcome: false }],
    ['the model is pinned', snapshot, { requestedModel: 'old' }],
    ['the request has no conversation', snapshot, { conversationId: null }],
    ['it is copied to only', snapshotWith(shadow), {}],
  ])('has no part where %s, and nobody is in its other arm', (_, given, asked) => {
    for (const conversationId of [inCanary, inControl]) {
      const decision = decideFor(given, { conversationId, ...asked });
      expect(decision.chain[0].modelId).toBe('old');
      expect(decision.rollout).toBeNull();
      expect(decision.origin).toBe(asked.requestedModel === undefined ? 'auto' : 'pinned');
      expect(decision.propensity).toBe(asked.requestedModel === undefined ? 1 : null);
    }
  });
});

describe('a copy', () => {
  it('is made of as many as the share says, whatever answers them', () => {
    const snapshot = snapshotWith({ ...shadow, share: 0.05 });
    const decisions = ids(4000).map((conversationId) => decideFor(snapshot, { conversationId }));
    const copied = decisions.filter(({ copiedTo }) => copiedTo !== null).length;
    expect(Math.abs(copied - 200)).toBeLessThan(4 * Math.sqrt(4000 * 0.05 * 0.95));
    expect(
      new Set(decisions.map(({ chain, origin, rollout }) => `${chain[0].modelId} ${origin} ${rollout === null}`)),
    ).toEqual(new Set(['old auto true']));
  });

  const all = snapshotWith({ ...shadow, share: 1 });

  it.each<[why: string, snapshot: Snapshot, asked: Asked, notCopied: NotCopied | null]>([
    ['the caller does not want it', all, { refusesCopy: 'no_consent' }, 'no_consent'],
    ['it is of another surface', all, { refusesCopy: 'surface' }, 'surface'],
    [
      'the candidate cannot serve it',
      snapshotWith({ ...shadow, share: 1 }, { context_window: 10 }),
      {},
      'not_eligible',
    ],
    ['the candidate is away', snapshotWith({ ...shadow, share: 1 }, { provider: 'r' }, ['r']), {}, 'not_eligible'],
    ['the request names its providers', all, { constraints: { providerOrder: ['p'] } }, 'not_eligible'],
    ['others are drawn', snapshotWith({ ...shadow, share: 1e-9 }), {}, 'not_drawn'],
    ['the model is pinned', all, { requestedModel: 'old' }, null],
    ['another model is chosen', all, ignores('p'), null],
    ['a canary runs', snapshotWith({ ...canary, share: 0.5 }), {}, null],
    ['nothing is tried', snapshotWith(null), {}, null],
  ])('is not made where %s', (_, snapshot, asked, notCopied) => {
    expect(decideFor(snapshot, asked)).toMatchObject({ copiedTo: null, notCopied });
  });
});

function tools(): Asked {
  return { constraints: { requiredCapabilities: ['function_calling'] } };
}

function ignores(provider: string): Asked {
  return { constraints: { ignoredProviders: [provider] } };
}
