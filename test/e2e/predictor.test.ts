import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RouteResponse } from '../../src/contracts/decision.ts';
import { createRandom } from '../../src/statistics/random.ts';
import { startTestApp, type TestApp } from '../support/app.ts';

const kitchen = ['bake', 'bread', 'onion', 'oven', 'butter', 'flour', 'simmer', 'sauce', 'pepper', 'roast', 'dough'];
const garden = ['plant', 'roses', 'prune', 'hedge', 'seeds', 'lawn', 'compost', 'tulips', 'soil', 'weeds', 'shrub'];
/** Good at the one and bad at the other, and the other way round. */
const models = { kitchen: 'gpt-6-sol', garden: 'claude-sonnet-5' } as const;

describe('a predictor learned from outcomes', () => {
  const random = createRandom('predictor');
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp({
      config: {
        routing: {
          allow: Object.values(models),
          predictor: { holdout: 0 },
          exploration: { enabled: false },
          weights: { quality: 1, preference: 0, cost: 0, latency: 0, affinity: 0 },
        },
        learner: { predictor: { interval_ms: 100, min_outcomes: 300 } },
      },
    });
  });
  afterAll(() => app.stop());

  const ask = (words: readonly string[]): string =>
    `Tell me how to ${Array.from({ length: 5 }, () => random.pick(words)).join(' and ')} at home`;

  async function post(service: 'router', path: string, body: unknown): Promise<Response> {
    return fetch(`${app.url(service)}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  async function answerAndJudge(): Promise<void> {
    const kind = random.pick(['kitchen', 'garden'] as const);
    const model = random.pick(Object.values(models));
    const { response } = await app.client.chat.completions
      .create({ model, messages: [{ role: 'user', content: ask(kind === 'kitchen' ? kitchen : garden) }] })
      .withResponse();
    const judged = await post('router', '/feedback', {
      decision_id: response.headers.get('x-signalbox-decision-id'),
      score: model === models[kind] ? 1 : 0,
    });
    expect(judged.ok).toBe(true);
  }

  async function chosenFor(words: readonly string[]): Promise<string[]> {
    const decisions = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const response = await post('router', '/route', { query: ask(words) });
        return (await response.json()) as RouteResponse;
      }),
    );
    return [...new Set(decisions.map(({ model_id }) => model_id))];
  }

  it('sends each kind of prompt to the model that answers it well', async () => {
    for (let round = 0; round < 40; round += 1) await Promise.all(Array.from({ length: 10 }, answerAndJudge));
    await expect
      .poll(async () => ({ kitchen: await chosenFor(kitchen), garden: await chosenFor(garden) }), {
        timeout: 60_000,
        interval: 500,
      })
      .toEqual({ kitchen: [models.kitchen], garden: [models.garden] });

    const logged = async () =>
      (
        await app.database.pool.query<{ features: number[]; predictor_version: number; predictor_arm: string }>(
          `select features, predictor_version, predictor_arm from routing_records
           where predictor_version is not null and features_key is not null limit 1`,
        )
      ).rows;
    await expect.poll(async () => (await logged()).length, { timeout: 10_000 }).toBe(1);
    const [record] = await logged();
    expect(record?.predictor_arm).toBe('used');
    expect(record?.predictor_version).toBeGreaterThan(0);
    expect(record?.features).toEqual(record?.features.toSorted((a, b) => a - b));
  });
});
