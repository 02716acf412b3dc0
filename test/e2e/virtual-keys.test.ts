import type { APIError } from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Key, KeyWithSecret, NewKey } from '../../src/contracts/keys.ts';
import { openAiClient, startTestApp, type TestApp } from '../support/app.ts';
import { capital, failureOf, user } from './requests.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());

async function makeKey(key: Omit<NewKey, 'name'>): Promise<KeyWithSecret> {
  const response = await fetch(`${app.url('central')}/keys`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'test', ...key }),
  });
  return (await response.json()) as KeyWithSecret;
}

/** Asks until the router has heard of the key. */
async function clientOf(key: string): Promise<ReturnType<typeof openAiClient>> {
  const client = openAiClient(app.url('router'), key);
  await expect.poll(async () => (await client.models.list()).data.length).toBeGreaterThan(0);
  return client;
}

const question = { model: 'auto', messages: user(capital), max_tokens: 50 };

test('an OpenAI client with a key is charged what it cost, and refused when that is more than is left', async () => {
  const made = await makeKey({ budget: { limit_usd: 0.5, period: 'month' } });
  const client = await clientOf(made.key);
  const { response } = await client.chat.completions.create(question).withResponse();
  const costUsd = Number(response.headers.get('x-signalbox-cost-usd'));
  expect(costUsd).toBeGreaterThan(0);
  const stored = async (): Promise<Key> =>
    (await (await fetch(`${app.url('central')}/keys/${made.key_id}`)).json()) as Key;
  await expect.poll(async () => (await stored()).budget?.spent_usd).toBeCloseTo(costUsd, 7);

  const failure = await failureOf(client.chat.completions.create({ ...question, max_tokens: 10_000_000 }));
  expect(failure).toMatchObject({ status: 402, code: 'budget_exceeded', type: 'insufficient_quota' });
  // Nobody has failed, and no alert may say so.
  const metrics = await (await fetch(`${app.url('router')}/metrics`)).text();
  expect(metrics).toMatch(/^signalbox_router_requests_total\{.*outcome="refused"\} 1$/m);
  expect(metrics).not.toMatch(/^signalbox_router_requests_total\{.*outcome="failure"/m);
});

test('an OpenAI client with a key sees its rate limits, and is told when to come again', async () => {
  const { key } = await makeKey({ requests_per_minute: 1 });
  const client = await clientOf(key);
  const { response } = await client.chat.completions.create(question).withResponse();
  expect(response.headers.get('x-ratelimit-limit-requests')).toBe('1');
  expect(response.headers.get('x-ratelimit-remaining-requests')).toBe('0');
  // The minute may turn just now; it does not twice.
  await client.chat.completions.create(question).catch(() => undefined);
  const failure = (await failureOf(client.chat.completions.create(question))) as APIError;
  expect(failure).toMatchObject({ status: 429, code: 'rate_limited', type: 'rate_limit_error' });
  expect(Number(failure.headers?.get('retry-after'))).toBeGreaterThan(0);
});
