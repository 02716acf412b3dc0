import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';
import { endedAttempts, signalboxHeaders, user } from './requests.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({
    config: {
      retries: { same_model: 0, backoff_ms: 1 },
      resilience: { ejection: { consecutive_failures: 2, base_ejection_ms: 60_000 }, throttle: { enabled: false } },
    },
  });
});
afterAll(() => app.stop());

async function ask(session: string): Promise<Record<string, string | undefined>> {
  const { response } = await app.client.chat.completions
    .create({ model: 'auto', messages: user('What is the capital of France?'), session_id: session } as never)
    .withResponse();
  return signalboxHeaders(response.headers);
}

it('what a stand-in does is not counted for the model that was spared', async () => {
  const usual = (await ask('first'))['model'] ?? '';
  await app.providers.fail({ fault: 'http_500', model: usual });
  for (let request = 0; request < 4; request += 1) await ask(`failing ${request}`);
  const headers = await ask('ejected');
  expect(headers['model']).not.toBe(usual);
  expect(headers['attempts']).toBe('1');

  const attempts = await endedAttempts(app, headers['decision-id'], 2);
  expect(attempts).toMatchObject([
    { attempt: 0, model: usual, outcome: 'cancelled', error_code: 'spared', origin: 'auto', cost_usd: null },
    { attempt: 1, model: headers['model'], outcome: 'success', origin: 'fallback', propensity: null },
  ]);
});

it('a request that no limit admits is no decision without an end', async () => {
  const made = await fetch(`${app.url('central')}/keys`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'poor', budget: { limit_usd: 0 } }),
  });
  const { key } = (await made.json()) as { key: string };
  const call = (): Promise<Response> =>
    fetch(`${app.url('router')}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: 'auto', messages: user('Hello') }),
    });
  await expect.poll(async () => (await call()).status, { timeout: 10_000 }).toBe(402);
  const refused = await call();
  const [attempt] = await endedAttempts(app, refused.headers.get('x-signalbox-decision-id') ?? '');
  expect(attempt).toMatchObject({ attempt: 0, outcome: 'cancelled', error_code: 'budget_exceeded' });
});
