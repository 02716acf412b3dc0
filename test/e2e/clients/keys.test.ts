import Anthropic from '@anthropic-ai/sdk';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { ChatOpenAI } from '@langchain/openai';
import { APICallError, generateText } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openAiClient, startTestApp, type TestApp } from '../../support/app.ts';
import { capital, failureOf, user } from '../requests.ts';

/** Each client says in its own words that its key is wrong, and is answered with the right one. */

const model = 'gpt-6-sol';
const rightKey = 'sb-master-key-5d1c9e8a27';
let app: TestApp;

beforeAll(async () => {
  app = await startTestApp({ config: { master_key: rightKey } });
});
afterAll(() => app.stop());

const baseURL = () => `${app.url('router')}/v1`;
const anthropic = (apiKey: string) =>
  new Anthropic({ baseURL: app.url('router'), apiKey, maxRetries: 0, logLevel: 'off' });

it.each<readonly [string, (apiKey: string) => Promise<unknown>, unknown]>([
  [
    'chat completions of the openai client',
    (key) => openAiClient(app.url('router'), key).chat.completions.create({ model, messages: user(capital) }),
    OpenAI.AuthenticationError,
  ],
  [
    'responses of the openai client',
    (key) => openAiClient(app.url('router'), key).responses.create({ model, input: capital }),
    OpenAI.AuthenticationError,
  ],
  [
    'messages of the Anthropic client',
    (key) => anthropic(key).messages.create({ model, max_tokens: 100, messages: [{ role: 'user', content: capital }] }),
    Anthropic.AuthenticationError,
  ],
])('%s', async (_, ask, errorClass) => {
  expect(await ask(rightKey)).toMatchObject({ model });
  const error = await failureOf(ask('sk-wrong'));
  expect(error).toBeInstanceOf(errorClass);
  expect(error).toMatchObject({ status: 401, message: expect.stringContaining('key') });
});

it.each([
  [
    'openai-compatible',
    (apiKey: string) => createOpenAICompatible({ name: 'signalbox', baseURL: baseURL(), apiKey })(model),
  ],
  ['anthropic', (apiKey: string) => createAnthropic({ baseURL: baseURL(), apiKey })(model)],
] as const)('the AI SDK through @ai-sdk/%s', async (_, create) => {
  globalThis.AI_SDK_LOG_WARNINGS = false;
  const ask = (key: string) => generateText({ model: create(key), prompt: capital, maxRetries: 0 });
  expect((await ask(rightKey)).text).toContain('Paris');
  const error = await failureOf(ask('sk-wrong'));
  expect(error).toBeInstanceOf(APICallError);
  expect(error).toMatchObject({ statusCode: 401, isRetryable: false, message: expect.stringContaining('key') });
});

it('ChatOpenAI', async () => {
  const ask = (apiKey: string) =>
    new ChatOpenAI({ model, apiKey, maxRetries: 0, configuration: { baseURL: baseURL() } }).invoke(capital);
  expect((await ask(rightKey)).text).toContain('Paris');
  expect(await failureOf(ask('sk-wrong'))).toMatchObject({ status: 401, lc_error_code: 'MODEL_AUTHENTICATION' });
});
