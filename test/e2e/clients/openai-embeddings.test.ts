import OpenAI from 'openai';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { failureOf, signalboxHeaders } from '../requests.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());

const model = 'text-embedding-3-small';

function embed(input: OpenAI.EmbeddingCreateParams['input'], more: object = {}, asked = model) {
  return app.client.embeddings.create({ model: asked, input, ...more });
}

it('embeds a text, and asks the provider for it in base64 as the client does', async () => {
  const { data, usage, object } = await embed('A bridge over a river');
  expect(object).toBe('list');
  expect(data).toHaveLength(1);
  expect(data[0]?.embedding).toHaveLength(1536);
  expect(usage).toEqual({ prompt_tokens: usage.prompt_tokens, total_tokens: usage.prompt_tokens });
  expect(usage.prompt_tokens).toBeGreaterThan(3);
});

it('embeds several texts and tokens, each to its place', async () => {
  const { data } = await embed(['one', 'two', 'one']);
  expect(data.map(({ index }) => index)).toEqual([0, 1, 2]);
  expect(data[0]?.embedding).toEqual(data[2]?.embedding);
  expect(data[0]?.embedding).not.toEqual(data[1]?.embedding);
  expect((await embed([1, 2, 3])).usage.prompt_tokens).toBe(3);
  expect((await embed([[1, 2], [3]])).data).toHaveLength(2);
});

it('takes the form and size that are asked for', async () => {
  const { data } = await embed('x', { dimensions: 8, encoding_format: 'float' });
  expect(data[0]?.embedding).toHaveLength(8);
});

it('names the model that answered, by either of its names', async () => {
  const { data, response } = await embed('x', {}, `openai/${model}`).withResponse();
  expect(data.model).toBe(model);
  expect(signalboxHeaders(response.headers)).toMatchObject({ model, provider: 'openai', attempts: '1' });
});

it('is never chosen by auto, since vectors of different models cannot be compared', async () => {
  const error = await failureOf(embed('x', {}, 'auto'));
  expect(error).toBeInstanceOf(OpenAI.BadRequestError);
  expect(error).toMatchObject({ status: 400, param: 'model' });
});

it.each([
  ['a model that nobody has', 'x', 'text-embedding-0', { status: 404, code: 'model_not_found', param: 'model' }],
  ['an input that is empty', '', model, { status: 400, type: 'invalid_request_error', param: 'input' }],
])('refuses %s', async (_, input, asked, expected) => {
  const error = await failureOf(embed(input, {}, asked));
  expect(error).toBeInstanceOf(OpenAI.APIError);
  expect(error).toMatchObject(expected);
});

it('refuses a provider that has none', async () => {
  const error = await failureOf(embed('x', {}, 'claude-sonnet-5'));
  expect(error).toBeInstanceOf(OpenAI.BadRequestError);
});
