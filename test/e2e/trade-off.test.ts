import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Explanation, RouteResponse } from '../../src/contracts/decision.ts';
import type { KeyWithSecret } from '../../src/contracts/keys.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { capital, endedAttempts, postJson, signalboxHeaders, user } from './requests.ts';

// Where nobody says anything, the cheapest answers.
let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ config: { routing: { cost_quality_tradeoff: 1 } } });
});
afterAll(() => app?.stop());

async function route(body: object, key = 'none'): Promise<RouteResponse> {
  const headers = { authorization: `Bearer ${key}` };
  const response = await postJson(`${app.url('router')}/route`, { query: capital, ...body }, headers);
  return (await response.json()) as RouteResponse;
}

const costsOf = ({ candidates }: Explanation) => candidates.map((one) => one.estimated_cost_usd ?? Number.NaN);
const scoresOf = ({ candidates }: Explanation) => candidates.map((one) => one.believed_score ?? Number.NaN);

it('comes from the request, else its key, else the configuration, and is logged', async () => {
  const byConfiguration = await route({});
  const { explanation } = byConfiguration;
  expect(byConfiguration.estimated_cost_usd).toBe(Math.min(...costsOf(explanation)));
  expect(explanation.trade_off).toMatchObject({ value: 1, source: 'configuration' });

  const made = await postJson(`${app.url('central')}/keys`, { name: 'fine', cost_quality_tradeoff: 0 });
  const { key, ...fine } = (await made.json()) as KeyWithSecret;
  expect(fine.cost_quality_tradeoff).toBe(0);
  await expect
    .poll(async () => (await route({}, key)).explanation?.trade_off, { timeout: 10_000 })
    .toEqual({ value: 0, source: 'key', quality_ratio: 1 });
  const byKey = await route({}, key);
  expect(byKey.explanation.candidates[0]?.believed_score).toBe(Math.max(...scoresOf(byKey.explanation)));
  expect(byKey.model_id).not.toBe(byConfiguration.model_id);

  expect((await route({ model: 'auto:quality' }, key)).explanation.trade_off).toBeUndefined();
  const byRequest = await route({ model: 'auto:quality', cost_quality_tradeoff: 1 }, key);
  expect(byRequest).toMatchObject({
    model_id: byConfiguration.model_id,
    explanation: { trade_off: { source: 'request' } },
  });

  const asked = { model: 'auto', messages: user(capital), cost_quality_tradeoff: 0 };
  const { response } = await app.client.chat.completions.create(asked as never).withResponse();
  const headers = signalboxHeaders(response.headers);
  expect(headers['model']).toBe(byKey.model_id);
  const [attempt] = await endedAttempts(app, headers['decision-id']);
  expect(attempt?.explanation?.trade_off).toEqual({ value: 0, source: 'request', quality_ratio: 1 });
  expect(attempt?.explanation?.summary).toContain('at a trade-off of 0 between quality (0) and cost (1)');
});

describe.each([
  ['/route', { query: capital }],
  ['/v1/chat/completions', { model: 'auto', messages: user(capital) }],
  ['/v1/messages', { model: 'auto', max_tokens: 50, messages: user(capital) }],
  ['/v1/responses', { model: 'auto', input: capital }],
  ['/race', { prompt: capital }],
])('%s', (path, body) => {
  it('takes it, and refuses what is none by its name', async () => {
    const send = (tradeOff: unknown) =>
      postJson(`${app.url('router')}${path}`, { ...body, cost_quality_tradeoff: tradeOff });
    expect((await send(0.3)).status).toBe(200);
    for (const bad of [-0.1, 1.01, '0.5', [0.5]]) {
      const refused = await send(bad);
      expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('cost_quality_tradeoff')]);
    }
  });
});
