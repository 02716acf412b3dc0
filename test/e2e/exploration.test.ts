import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RouteResponse } from '../../src/contracts/decision.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { endedAttempts } from './requests.ts';

describe('exploration', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp({
      config: { routing: { exploration: { enabled: true, floor: 0.5, max_share: 1, max_extra_cost: 1000 } } },
    });
  });
  afterAll(() => app.stop());

  async function decide(key?: string): Promise<RouteResponse> {
    const response = await fetch(`${app.url('router')}/route`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
      body: JSON.stringify({ query: 'What is the capital of France?' }),
    });
    return (await response.json()) as RouteResponse;
  }

  async function propensitiesOf(decisionIds: readonly string[]): Promise<number[]> {
    const read = async (): Promise<number[]> => {
      const { rows } = await app.database.pool.query<{ propensity: number }>(
        'select propensity from routing_records where decision_id = any($1::uuid[])',
        [decisionIds],
      );
      return rows.map(({ propensity }) => propensity);
    };
    await expect.poll(async () => (await read()).length, { timeout: 10_000 }).toBe(decisionIds.length);
    return read();
  }

  it('answers with other models now and then, with the probability that is logged', async () => {
    const decisions = await Promise.all(Array.from({ length: 60 }, () => decide()));
    expect(new Set(decisions.map(({ model_id }) => model_id)).size).toBeGreaterThan(2);
    for (const { model_id, explanation } of decisions) {
      const { candidates, summary } = explanation;
      const probabilities = candidates.map(({ probability }) => probability ?? 0);
      expect(probabilities.reduce((sum, probability) => sum + probability, 0)).toBeCloseTo(1, 6);
      expect(summary.includes('tried out with probability')).toBe(candidates[0]?.model !== model_id);
    }
    const tried = decisions.find(({ model_id, explanation }) => explanation.candidates[0]?.model !== model_id);
    const [logged] = await propensitiesOf([tried?.decision_id ?? '']);
    const chosen = tried?.explanation.candidates.find(({ model }) => model === tried.model_id);
    expect(logged).toBeCloseTo(chosen?.probability ?? -1, 9);
  });

  it('spares keys that opt out, conversations, and requests that name a model', async () => {
    const made = await fetch(`${app.url('central')}/keys`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'steady', may_explore: false }),
    });
    const { key, may_explore: mayExplore } = (await made.json()) as { key: string; may_explore: boolean };
    expect(mayExplore).toBe(false);
    await expect.poll(async () => (await decide(key)).decision_id, { timeout: 10_000 }).toBeTypeOf('string');
    const decisions = await Promise.all(Array.from({ length: 30 }, () => decide(key)));
    expect(new Set(decisions.map(({ model_id }) => model_id)).size).toBe(1);
    expect(await propensitiesOf(decisions.map(({ decision_id }) => decision_id))).toEqual(decisions.map(() => 1));

    const session = { session_id: 'one conversation' } as object;
    const messages = [{ role: 'user' as const, content: 'What is the capital of France?' }];
    const models = new Set<string | null>();
    for (let turn = 0; turn < 12; turn += 1) {
      const { response } = await app.client.chat.completions
        .create({ model: 'auto', messages, ...session })
        .withResponse();
      // The first answer may be a trial, and the conversation leave it for a better model.
      if (turn >= 2) models.add(response.headers.get('x-signalbox-model'));
    }
    expect(models.size).toBe(1);

    const { response } = await app.client.chat.completions.create({ model: 'gpt-6-sol', messages }).withResponse();
    const [pinned] = await endedAttempts(app, response.headers.get('x-signalbox-decision-id') ?? '');
    expect(pinned).toMatchObject({ origin: 'pinned', propensity: null, model: 'gpt-6-sol' });
  });
});
