import { randomUUID } from 'node:crypto';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RouteResponse } from '../../src/contracts/decision.ts';
import type { Model } from '../../src/contracts/model.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import {
  capital,
  collect,
  endedAttempts,
  failureOf,
  getJson,
  patience,
  signalboxHeaders,
  textOf,
  user,
} from './requests.ts';

let app: TestApp;
let client: OpenAI;

// Deadlines are short for complex requests only, so that tests of a stall need not wait and no other test is hurried.
beforeAll(async () => {
  app = await startTestApp({
    config: {
      deadlines: { first_token_ms: { complex: 1200 }, complete_ms: { complex: 1200 }, stream_idle_ms: 1500 },
      retries: { backoff_ms: 1 },
      // Each test breaks a provider anew; what is remembered of the last one has tests of its own.
      resilience: {
        ejection: { max_ejected_share: 0, consecutive_failures: 1000, min_requests: 100_000 },
        throttle: { enabled: false },
      },
      routing: { deny: ['claude-haiku-4-5'] },
      body_limit_bytes: 100_000,
    },
  });
  client = app.client;
});
afterAll(() => app.stop());
beforeEach(() => app.providers.reset());

const modelsOf: Record<string, string[]> = {
  openai: ['gpt-6-luna', 'gpt-6-sol', 'gpt-6-astra', 'gpt-5.4-mini'],
  anthropic: ['claude-haiku-4-5', 'claude-sonnet-5', 'claude-opus-5-5'],
};

/** The provider that `auto` would take for the capital of France fails in this way; returns the two. */
async function failChosenProvider(fault: string): Promise<{ failing: string; other: string }> {
  const { provider: failing } = await decide({ query: capital });
  for (const model of modelsOf[failing] ?? []) await app.providers.fail({ fault, model });
  return { failing, other: failing === 'openai' ? 'anthropic' : 'openai' };
}

async function ask(model: string, more: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming> = {}) {
  const { data, response } = await client.chat.completions
    // A conversation of its own, or it would stay with the model that answered the last one.
    .create({
      model,
      messages: user(capital),
      session_id: randomUUID(),
      ...more,
    } as OpenAI.ChatCompletionCreateParamsNonStreaming)
    .withResponse();
  return { data, text: data.choices[0]?.message.content, headers: signalboxHeaders(response.headers) };
}

async function askForError(model: string, more: object = {}): Promise<InstanceType<typeof OpenAI.APIError>> {
  const error = await failureOf(
    client.chat.completions.create({
      model,
      messages: user(capital),
      session_id: randomUUID(),
      ...more,
    } as OpenAI.ChatCompletionCreateParamsNonStreaming),
  );
  if (!(error instanceof OpenAI.APIError)) throw error;
  return error;
}

function decide(body: object): Promise<RouteResponse> {
  return getJson(`${app.url('router')}/route`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

describe('auto', () => {
  it('is answered by the model that the headers name, at the price of the catalogue', async () => {
    const { data, text, headers } = await ask('auto');
    expect(text).toContain('Paris');
    const route = await decide({ query: capital });
    expect(headers).toEqual({
      'decision-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
      model: route.model_id,
      provider: route.provider,
      complexity: 'simple',
      'query-type': 'simple',
      attempts: '1',
      'cost-usd': expect.stringMatching(/^\d+\.\d+$/),
      'overhead-ms': expect.stringMatching(/^\d+\.\d+$/),
    });
    expect(data.model).toBe(route.model_id);

    const { costs } = await getJson<Model>(`${app.url('registry')}/models/${route.model_id}`);
    const { prompt_tokens = 0, completion_tokens = 0 } = data.usage ?? {};
    const cost =
      (prompt_tokens * (costs.input_tokens_per_1k ?? 0) + completion_tokens * (costs.output_tokens_per_1k ?? 0)) / 1000;
    expect(cost).toBeGreaterThan(0);
    expect(Number(headers['cost-usd'])).toBeCloseTo(cost, 7);
  });

  it.each(['signalbox/auto', 'openrouter/auto', 'auto:cost', 'auto:speed', 'auto:quality'])(
    'is also called %s',
    async (name) => {
      const { text, headers } = await ask(name);
      expect(text).toContain('Paris');
      expect(headers).toMatchObject({ attempts: '1', complexity: 'simple' });
    },
  );

  it('weighs what its variant names', async () => {
    const price = async (model: string) => {
      const { costs } = await getJson<Model>(`${app.url('registry')}/models/${model}`);
      return costs.output_tokens_per_1k ?? 0;
    };
    const research = 'Compare the causes of the French and the Russian revolution, with evidence and sources.';
    const cheap = (await ask('auto:cost', { messages: user(research) })).headers['model'] ?? '';
    const good = (await ask('auto:quality', { messages: user(research) })).headers['model'] ?? '';
    expect(await price(cheap)).toBeLessThan(await price(good));
  });

  it.each(['simple', 'medium', 'complex'])('takes a request as %s where its variant says so', async (complexity) => {
    expect((await ask(`auto:${complexity}`)).headers).toMatchObject({ complexity });
  });

  it('has no other variants', async () => {
    const error = await askForError('auto:nonsense');
    expect(error).toBeInstanceOf(OpenAI.NotFoundError);
    expect(error).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
    expect(error.message).toContain('auto:quality');
  });
});

describe('a model by name', () => {
  it.each([
    ['gpt-6-sol', 'gpt-6-sol', 'openai'],
    ['openai/gpt-6-astra', 'gpt-6-astra', 'openai'],
    ['anthropic/claude-sonnet-5', 'claude-sonnet-5', 'anthropic'],
    // Not to be chosen by auto, as the configuration says.
    ['claude-haiku-4-5', 'claude-haiku-4-5', 'anthropic'],
  ])('%s is asked, and no other', async (name, model, provider) => {
    const { data, text, headers } = await ask(name);
    expect(text).toContain('Paris');
    expect(headers).toMatchObject({ model, provider, attempts: '1' });
    expect(data).toMatchObject({ model, object: 'chat.completion' });
    expect(await app.providers.stats(model)).toMatchObject({ requests: 1, completed: 1 });
  });

  it('is asked only once more when it fails, and never replaced', async () => {
    await app.providers.fail({ fault: 'http_500', model: 'gpt-6-sol' });
    expect(await askForError('gpt-6-sol')).toMatchObject({ status: 502, code: 'upstream_failed' });
    expect(await app.providers.stats('gpt-6-sol')).toMatchObject({ requests: 2, failed: 2 });
  });

  it('is followed by the others that the request names', async () => {
    await app.providers.fail({ fault: 'http_500', model: 'gpt-6-sol' });
    const more = { models: ['claude-opus-5-5'] } as object;
    expect((await ask('gpt-6-sol', more)).headers).toMatchObject({ model: 'claude-opus-5-5', attempts: '3' });
  });

  it('that nobody has is a 404 in the shape of OpenAI', async () => {
    const error = await askForError('gpt-0');
    expect(error).toBeInstanceOf(OpenAI.NotFoundError);
    expect(error).toMatchObject({
      status: 404,
      code: 'model_not_found',
      param: 'model',
      type: 'invalid_request_error',
    });
    expect(await askForError('openai/gpt-0')).toMatchObject({ status: 404, code: 'model_not_found' });
    expect(await askForError('nobody/gpt-6-sol')).toMatchObject({ status: 404, code: 'model_not_found' });
  });
});

const surfaces = [
  ['OpenAI, passed through', 'gpt-6-sol'],
  ['Anthropic, translated', 'anthropic/claude-sonnet-5'],
] as const;

describe.each(surfaces)('%s', (_, model) => {
  const weather = {
    type: 'function' as const,
    function: {
      name: 'get_weather',
      description: 'The weather of a place',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  };
  const time = { ...weather, function: { ...weather.function, name: 'get_time', description: 'The time of a place' } };

  it('streams the text and the usage that it answers at once', async () => {
    const messages = user('Write about bridges and rivers');
    const whole = await ask(model, { messages });
    await app.providers.reset();
    const { data: stream, response } = await client.chat.completions
      .create({ model, messages, stream: true, stream_options: { include_usage: true } })
      .withResponse();
    const chunks = await collect(stream);
    expect(textOf(chunks)).toBe(whole.text);
    expect(textOf(chunks).length).toBeGreaterThan(100);
    expect(chunks.filter((chunk) => chunk.choices[0]?.delta.content).length).toBeGreaterThan(5);
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant');
    expect(chunks.flatMap((chunk) => chunk.choices[0]?.finish_reason ?? [])).toEqual(['stop']);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { ...whole.data.usage } });
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(signalboxHeaders(response.headers)).toMatchObject({ model: whole.headers['model'], attempts: '1' });
  });

  it('says nothing of usage in a stream that did not ask for it', async () => {
    const chunks = await collect(
      await client.chat.completions.create({ model, messages: user(capital), stream: true }),
    );
    expect(textOf(chunks)).toContain('Paris');
    expect(chunks.filter((chunk) => chunk.usage != null)).toEqual([]);
  });

  it('calls a tool, streamed or not, and answers with its result', async () => {
    const messages = user('What is the weather in Oslo right now?');
    const { data } = await ask(model, { messages, tools: [weather] });
    const [choice] = data.choices;
    const call = choice?.message.tool_calls?.[0];
    if (choice === undefined || call?.type !== 'function') throw new Error('no call');
    expect([choice.finish_reason, choice.message.content]).toEqual(['tool_calls', null]);
    expect([call.function.name, JSON.parse(call.function.arguments)]).toEqual(['get_weather', { city: 'Oslo' }]);

    const stream = client.chat.completions.stream({ model, messages, tools: [weather] });
    const [streamed] = (await stream.finalChatCompletion()).choices;
    expect(streamed?.finish_reason).toBe('tool_calls');
    expect(streamed?.message.tool_calls).toMatchObject([
      { type: 'function', function: { name: 'get_weather', arguments: '{"city":"Oslo"}' } },
    ]);

    const final = await ask(model, {
      messages: [...messages, choice.message, { role: 'tool', tool_call_id: call.id, content: 'Sleet and 2 degrees' }],
      tools: [weather],
    });
    expect(final.data.choices[0]?.finish_reason).toBe('stop');
    expect(final.text).toContain('Sleet and 2 degrees');
  });

  it('calls several tools at once, unless it may not', async () => {
    const messages = user('What are the weather and the time in Oslo?');
    const request = { messages, tools: [weather, time] };
    const namesOf = (calls: OpenAI.ChatCompletionMessageToolCall[] | undefined) =>
      (calls ?? []).map((call) => (call.type === 'function' ? call.function.name : call.type));
    const both = (await ask(model, request)).data.choices[0]?.message.tool_calls;
    expect(namesOf(both)).toEqual(['get_weather', 'get_time']);
    expect(new Set(both?.map(({ id }) => id)).size).toBe(2);

    const streamed = await client.chat.completions.stream({ model, ...request }).finalChatCompletion();
    expect(namesOf(streamed.choices[0]?.message.tool_calls)).toEqual(['get_weather', 'get_time']);

    const results = (both ?? []).map((call) => ({
      role: 'tool' as const,
      tool_call_id: call.id,
      content: `result of ${call.id}`,
    }));
    const final = await ask(model, {
      ...request,
      messages: [...messages, { role: 'assistant', content: null, tool_calls: both ?? [] }, ...results],
    });
    expect(final.text).toContain(results.at(-1)?.content);

    const one = await ask(model, { ...request, parallel_tool_calls: false });
    expect(one.data.choices[0]?.message.tool_calls).toHaveLength(1);
    const named = await ask(model, { ...request, tool_choice: { type: 'function', function: { name: 'get_time' } } });
    expect(namesOf(named.data.choices[0]?.message.tool_calls)).toEqual(['get_time']);
  });

  it('answers with JSON that fits the schema', async () => {
    const schema = {
      type: 'object',
      properties: { answer: { type: 'string' }, certainty: { type: 'number' } },
      required: ['answer', 'certainty'],
      additionalProperties: false,
    };
    const { text } = await ask(model, {
      response_format: { type: 'json_schema', json_schema: { name: 'reply', strict: true, schema } },
    });
    const value = JSON.parse(text ?? '') as { answer: string; certainty: number };
    expect(Object.keys(value).sort()).toEqual(['answer', 'certainty']);
    expect(value.answer).toContain('Paris');
    expect(value.certainty).toBeTypeOf('number');
  });

  it('sees an image', async () => {
    const { data, headers } = await ask(model, { messages: imageMessages });
    expect(data.usage?.prompt_tokens).toBeGreaterThan(700);
    expect(headers).toMatchObject({ 'query-type': 'multimedia' });
  });

  it('honours max_completion_tokens and stop', async () => {
    const messages = user('Tell me about lighthouses');
    const short = await ask(model, { messages, max_completion_tokens: 3 });
    expect(short.data.choices[0]?.finish_reason).toBe('length');
    expect(short.data.usage?.completion_tokens).toBe(3);
    expect((await ask(model, { messages, stop: ['.'] })).text).not.toContain('.');
  });

  it('streams nothing at all when it fails before the first token: the next try does', async () => {
    await app.providers.fail({ fault: 'reset_after_headers', times: 1 });
    const { data: stream, response } = await client.chat.completions
      .create({ model, messages: user(capital), stream: true })
      .withResponse();
    expect(textOf(await collect(stream))).toContain('Paris');
    expect(signalboxHeaders(response.headers)).toMatchObject({ attempts: '2' });
  });

  it('ends a stream that is cut with an error event, and the client throws', async () => {
    await app.providers.fail({ fault: 'cut:5' });
    const { data: stream, response } = await client.chat.completions
      .create({ model, messages: user('Write about bridges and rivers'), stream: true })
      .withResponse();
    let seen = '';
    const failure = await failureOf(
      (async () => {
        for await (const chunk of stream) seen += chunk.choices[0]?.delta.content ?? '';
      })(),
    );
    expect(seen).not.toBe('');
    expect(failure).toBeInstanceOf(OpenAI.APIError);
    expect(failure).toMatchObject({ code: 'upstream_failed' });
    const id = signalboxHeaders(response.headers)['decision-id'];
    expect(await endedAttempts(app, id)).toMatchObject([
      { outcome: 'failure', error_code: 'network', streamed: true, usage_estimated: true },
    ]);
  });

  it('ends a stream in which the provider falls silent with an error event', async () => {
    await app.providers.fail({ fault: 'stall_after:5:60000' });
    const { data: stream, response } = await client.chat.completions
      .create({ model, messages: user('Write about bridges and rivers'), stream: true })
      .withResponse();
    expect(await failureOf(collect(stream))).toMatchObject({ code: 'deadline_exceeded' });
    const id = signalboxHeaders(response.headers)['decision-id'];
    expect(await endedAttempts(app, id)).toMatchObject([{ outcome: 'timeout', error_code: 'timeout' }]);
  });

  it('is told at once when the client goes away before there is an answer', async () => {
    await app.providers.fail({ fault: 'stall:60000' });
    const asked = model.replace('anthropic/', '');
    for (const stream of [false, true]) {
      const abort = new AbortController();
      const request = client.chat.completions.create(
        { model, messages: user(capital), stream },
        { signal: abort.signal },
      );
      await expect.poll(() => app.providers.stats(asked), patience).toMatchObject({ open: 1 });
      abort.abort();
      expect(await failureOf(request)).toBeInstanceOf(OpenAI.APIUserAbortError);
      await expect.poll(() => app.providers.stats(asked), patience).toMatchObject({ aborted: stream ? 2 : 1, open: 0 });
    }
    await expect
      .poll(() => getJson(`${app.url('central')}/decisions?model=${asked}&outcome=cancelled`), patience)
      .toMatchObject({ decisions: [{ streamed: true }, { streamed: false }] });
  });
});

const imageMessages: OpenAI.ChatCompletionMessageParam[] = [
  {
    role: 'user',
    content: [
      { type: 'text', text: 'What is this?' },
      {
        type: 'image_url',
        image_url: {
          url: 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
        },
      },
    ],
  },
];

describe('an image', () => {
  it('goes to a model that takes images', async () => {
    const { headers } = await ask('auto', { messages: imageMessages });
    expect(headers).toMatchObject({ 'query-type': 'multimedia' });
    const model = await getJson<Model>(`${app.url('registry')}/models/${headers['model'] ?? ''}`);
    expect(model.modalities.input).toContain('image');
  });

  it('excludes the models that take none', async () => {
    await fetch(`${app.url('registry')}/models`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        model_id: 'blind-1',
        provider: 'openai',
        capabilities: { text_generation: true, multimodal: false, streaming: true },
        modalities: { input: ['text'], output: ['text'] },
      }),
    });
    await expect
      .poll(() => client.models.list().then(({ data }) => data.map(({ id }) => id)), patience)
      .toContain('blind-1');
    const error = await askForError('auto', { messages: imageMessages, models: ['blind-1'] });
    expect(error).toMatchObject({ status: 503, code: 'no_eligible_model' });
    expect(error.message).toContain('modality (takes no image)');
    const route = await decide({ query: 'What is this?', has_images: true });
    expect(route.explanation.excluded).toContainEqual(
      expect.objectContaining({ model: 'blind-1', reason: 'modality' }),
    );
  });
});

describe('a bad request', () => {
  const chatUrl = (): string => `${app.url('router')}/v1/chat/completions`;

  it.each([
    ['a wrong role', { messages: [{ role: 'king', content: 'x' }] }, 'messages[0].role'],
    ['no messages', { messages: undefined }, 'messages'],
    ['an empty conversation', { messages: [] }, 'messages'],
    ['content of a wrong kind', { messages: [{ role: 'user', content: 7 }] }, 'messages[0].content'],
    ['a negative limit', { max_tokens: -1 }, 'max_tokens'],
    ['a wrong preference', { provider: { max_price: { prompt: 'cheap' } } }, 'provider.max_price.prompt'],
    ['a model that is no name', { model: 7 }, 'model'],
  ])('with %s names the place', async (_, more, param) => {
    const error = await askForError('auto', more);
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ status: 400, code: 'invalid_request', type: 'invalid_request_error', param });
    expect(error.message).toContain(param);
  });

  it.each([
    ['is not JSON', '{"model":', 'application/json', 400, 'invalid_json'],
    ['is empty', '', 'application/json', 400, 'invalid_request'],
    ['is no object', '"auto"', 'application/json', 400, 'invalid_request'],
    ['is of another type', 'model=auto', 'application/x-www-form-urlencoded', 415, 'unsupported_media_type'],
    ['is too large', JSON.stringify({ pad: 'x'.repeat(110_000) }), 'application/json', 413, 'payload_too_large'],
  ])('whose body %s is refused', async (_, body, contentType, status, code) => {
    const response = await fetch(chatUrl(), { method: 'POST', headers: { 'content-type': contentType }, body });
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({
      error: {
        code,
        message: expect.any(String),
        type: 'invalid_request_error',
        param: body === '"auto"' ? 'body' : null,
      },
    });
  });

  it('in the eyes of the provider is answered in its words, and is no reason to ask another', async () => {
    const tools = [{ type: 'function' as const, function: { name: 'not a name', parameters: { type: 'object' } } }];
    for (const model of ['gpt-6-sol', 'claude-sonnet-5']) {
      const error = await askForError(model, { tools });
      expect(error).toMatchObject({ status: 400, type: 'invalid_request_error' });
      expect(error.message).toMatch(/tools.*name/);
      expect(signalboxHeaders(error.headers)).toMatchObject({ model, attempts: '1' });
      expect(await endedAttempts(app, signalboxHeaders(error.headers)['decision-id'])).toMatchObject([
        { outcome: 'failure', http_status: 400, error_code: 'client' },
      ]);
    }
  });
});

describe('a provider that fails', () => {
  it('once is asked once more', async () => {
    await app.providers.fail({ fault: 'http_500', times: 1 });
    const { text, headers } = await ask('auto');
    expect(text).toContain('Paris');
    expect(headers).toMatchObject({ attempts: '2', model: (await decide({ query: capital })).model_id });
    expect(await endedAttempts(app, headers['decision-id'], 2)).toMatchObject([
      { attempt: 0, outcome: 'failure', http_status: 500, error_code: 'server', origin: 'auto' },
      { attempt: 1, outcome: 'success', http_status: 200, origin: 'fallback' },
    ]);
  });

  it.each(['refuse', 'http_503', 'html', 'reset_after_headers', 'bad_event'])(
    'always (%s) is replaced by another',
    async (fault) => {
      const { failing, other } = await failChosenProvider(fault);
      const { data, text, headers } = await ask('auto');
      expect(text).toContain('Paris');
      expect(headers).toMatchObject({ provider: other, attempts: '3', model: data.model });
      const attempts = await endedAttempts(app, headers['decision-id'], 3);
      expect(attempts.map(({ provider, outcome }) => [provider, outcome])).toEqual([
        [failing, 'failure'],
        [failing, 'failure'],
        [other, 'success'],
      ]);
    },
  );

  it('for its key is not asked again', async () => {
    const { other } = await failChosenProvider('http_401');
    expect((await ask('auto')).headers).toMatchObject({ provider: other, attempts: '2' });
    await app.providers.fail({ fault: 'http_401' });
    expect(await askForError('auto')).toMatchObject({ status: 502, code: 'upstream_auth_failed' });
  });

  it('and all others too make a 502 that lists the attempts', async () => {
    await app.providers.fail({ fault: 'http_500' });
    const error = await askForError('auto');
    expect(error).toBeInstanceOf(OpenAI.InternalServerError);
    expect(error).toMatchObject({ status: 502, code: 'upstream_failed', type: 'upstream_error' });
    const { fallback_chain, model_id } = await decide({ query: capital });
    for (const model of [model_id, ...fallback_chain.map((step) => step.model_id)]) {
      expect(error.message).toContain(`${model} at `);
    }
    expect(error.message).toContain('server 500');
    const { 'decision-id': id, attempts } = signalboxHeaders(error.headers);
    expect(attempts).toBe('6');
    const outcomes = (await endedAttempts(app, id, 6)).map(({ outcome }) => outcome);
    expect(new Set(outcomes)).toEqual(new Set(['failure']));
  });

  it('by its rate limit is replaced, and where all are limited the client is told when to come back', async () => {
    const { other } = await failChosenProvider('http_429:30');
    expect((await ask('auto')).headers).toMatchObject({ provider: other, attempts: '2' });
    await app.providers.fail({ fault: 'http_429:7' });
    const error = await askForError('auto');
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    expect(error).toMatchObject({ status: 429, code: 'rate_limited' });
    expect(error.headers?.get('retry-after')).toBe('7');
  });

  it.each([false, true])('to answer in time (stream: %s) makes a 504', async (stream) => {
    await app.providers.fail({ fault: 'stall:60000' });
    const error = await askForError('auto:complex', { stream });
    expect(error).toMatchObject({ status: 504, code: 'deadline_exceeded', type: 'timeout_error' });
    const attempts = await endedAttempts(app, signalboxHeaders(error.headers)['decision-id'], 3);
    expect(new Set(attempts.map(({ outcome }) => outcome))).toEqual(new Set(['timeout']));
    for (const model of new Set(attempts.map((attempt) => attempt.model))) {
      await expect.poll(() => app.providers.stats(model), patience).toMatchObject({ aborted: 1, open: 0 });
    }
  });

  it('to answer in time leaves time for another', async () => {
    const { provider } = await decide({ query: capital, model: 'auto:complex' });
    for (const model of modelsOf[provider] ?? []) await app.providers.fail({ fault: 'stall:60000', model });
    const { text, headers } = await ask('auto:complex');
    expect(text).toContain('Paris');
    expect(headers).toMatchObject({ attempts: '2', provider: expect.not.stringMatching(provider) });
  });
});

describe('what a request asks of the choice', () => {
  it('are the only models', async () => {
    const { headers } = await ask('auto', { models: ['claude-opus-5-5', 'gpt-6-astra'] } as object);
    expect(['claude-opus-5-5', 'gpt-6-astra']).toContain(headers['model']);
  });

  it('are providers and prices', async () => {
    expect((await ask('auto', { provider: { only: ['anthropic'] } } as object)).headers).toMatchObject({
      provider: 'anthropic',
    });
    expect((await ask('auto', { provider: { ignore: ['openai'] } } as object)).headers).toMatchObject({
      provider: 'anthropic',
    });
    const { models } = await getJson<{ models: Model[] }>(`${app.url('registry')}/models`);
    const prices = models
      .filter((model) => model.capabilities.text_generation && model.model_id !== 'claude-haiku-4-5')
      .flatMap((model) =>
        model.costs.output_tokens_per_1k === null
          ? []
          : [[model.model_id, model.costs.output_tokens_per_1k * 1000] as const],
      )
      .sort(([, a], [, b]) => a - b);
    const [cheapest = ['', 0]] = prices;
    const { headers } = await ask('auto:quality', { provider: { max_price: { completion: cheapest[1] } } } as object);
    expect(headers['model']).toBe(cheapest[0]);
  });

  it.each([
    ['a provider that is not there', { provider: { only: ['nobody'] } }, 'provider_not_allowed'],
    ['a price that nobody has', { provider: { max_price: { prompt: 0.000001 } } }, 'price_bound'],
    ['a budget too small', { max_cost_usd: 1e-9 }, 'budget'],
    ['a model that auto may not choose', { models: ['claude-haiku-4-5'] }, 'not_allowed'],
  ])('is %s: a 503 that names the filter', async (_, more, reason) => {
    const error = await askForError('auto', more);
    expect(error).toMatchObject({ status: 503, code: 'no_eligible_model' });
    expect(error.message).toContain(reason);
  });
});

describe('the list of models', () => {
  it('holds auto with its variants, and every model by both of its names', async () => {
    const ids = (await client.models.list()).data.map(({ id }) => id);
    expect(ids).toEqual(
      expect.arrayContaining([
        'auto',
        'auto:cost',
        'auto:complex',
        'gpt-6-sol',
        'openai/gpt-6-sol',
        'anthropic/claude-sonnet-5',
      ]),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('gives one model', async () => {
    for (const id of ['auto', 'gpt-6-sol', 'openai/gpt-6-sol']) {
      expect(await client.models.retrieve(id)).toMatchObject({ id, object: 'model' });
    }
    const error = await failureOf(client.models.retrieve('gpt-0'));
    expect(error).toBeInstanceOf(OpenAI.NotFoundError);
    expect(error).toMatchObject({ code: 'model_not_found' });
  });
});
