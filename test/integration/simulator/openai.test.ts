import fc from 'fast-check';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultProfiles } from '../../../src/simulator/default-profiles.ts';
import { baseProfile } from '../../../src/simulator/profile.ts';
import type { Simulator } from '../../../src/simulator/simulator.ts';
import { chatBody, collect, openAiClient, post, startSimulator, statsOf } from './simulation.ts';

let simulator: Simulator;
let client: OpenAI;

beforeAll(async () => {
  const perfect = { error_rate: 0, quality: { simple: 1, medium: 1, complex: 1 } };
  simulator = await startSimulator({
    profiles: [
      ...defaultProfiles.map((profile) => ({ ...profile, ...perfect })),
      { ...baseProfile('blind'), vision: false, tools: false, context_window: 50 },
    ],
  });
  client = openAiClient(simulator);
});
afterAll(() => simulator.stop());

const capital = 'What is the capital of France?';
const user = (content: string) => [{ role: 'user' as const, content }];
const weatherTool = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    description: 'The weather of a place',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};

describe('models', () => {
  it('lists the models of the OpenAI dialect only, and gives one', async () => {
    const ids = (await client.models.list()).data.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(['gpt-6-luna', 'gpt-6-sol', 'gpt-6-astra', 'text-embedding-3-small']));
    expect(ids.filter((id) => id.startsWith('claude') || id.startsWith('llama'))).toEqual([]);
    expect(await client.models.retrieve('gpt-6-sol')).toMatchObject({ id: 'gpt-6-sol', object: 'model' });
    await expect(client.models.retrieve('gpt-0')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
  });

  it('lists the local models in the way of Ollama, and serves them without a key', async () => {
    const tags = (await (await fetch(`${simulator.baseUrl}/api/tags`)).json()) as { models: object[] };
    expect(tags.models).toMatchObject([{ name: 'llama3.2:3b', details: { family: 'llama3.2', parameter_size: '3b' } }]);
    const body = chatBody(capital, { model: 'llama3.2:3b' });
    expect((await post(simulator, '/v1/chat/completions', body, { headers: { authorization: '' } })).status).toBe(200);
  });
});

describe('chat completions', () => {
  it('answers a prompt whose answer is known', async () => {
    const answer = await client.chat.completions.create({ model: 'gpt-6-sol', messages: user(capital) });
    expect(answer.choices[0]).toMatchObject({ finish_reason: 'stop', message: { role: 'assistant' } });
    expect(answer.choices[0]?.message.content).toContain('Paris');
    const { prompt_tokens = 0, completion_tokens = 0, total_tokens } = answer.usage ?? {};
    expect(prompt_tokens).toBeGreaterThan(5);
    expect(completion_tokens).toBeGreaterThan(2);
    expect(total_tokens).toBe(prompt_tokens + completion_tokens);
  });

  it('streams the same text and usage as it answers at once', async () => {
    const messages = user('Write about bridges and rivers');
    await post(simulator, '/sim/reset', {});
    const whole = await client.chat.completions.create({ model: 'gpt-6-luna', messages });
    await post(simulator, '/sim/reset', {});
    const stream = await client.chat.completions.create({
      model: 'gpt-6-luna',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await collect(stream);
    const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
    expect(text).toBe(whole.choices[0]?.message.content);
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant');
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
  });

  it('says nothing of usage in a stream that did not ask for it', async () => {
    const response = await post(simulator, '/v1/chat/completions', chatBody(capital, { stream: true }));
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const text = await response.text();
    expect(text).not.toContain('"usage"');
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  });

  it('honours max_tokens, stop and n', async () => {
    const request = { model: 'gpt-6-sol', messages: user('Tell me about lighthouses') };
    const short = await client.chat.completions.create({ ...request, max_completion_tokens: 3 });
    expect(short.choices[0]?.finish_reason).toBe('length');
    expect(short.usage?.completion_tokens).toBe(3);
    const stopped = await client.chat.completions.create({ ...request, stop: ['.'] });
    expect(stopped.choices[0]?.finish_reason).toBe('stop');
    expect(stopped.choices[0]?.message.content).not.toContain('.');
    const many = await client.chat.completions.create({ ...request, n: 3 });
    expect(many.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
  });

  it('calls a tool, streamed or not, and then answers with its result', async () => {
    const messages = user('What is the weather in Oslo right now?');
    const called = await client.chat.completions.create({ model: 'gpt-6-sol', messages, tools: [weatherTool] });
    const [choice] = called.choices;
    const call = choice?.message.tool_calls?.[0];
    if (choice === undefined || call?.type !== 'function') throw new Error('no call');
    expect([choice.finish_reason, choice.message.content]).toEqual(['tool_calls', null]);
    expect(JSON.parse(call.function.arguments)).toEqual({ city: 'Oslo' });

    const stream = client.chat.completions.stream({ model: 'gpt-6-sol', messages, tools: [weatherTool] });
    const streamed = (await stream.finalChatCompletion()).choices[0]?.message.tool_calls?.[0];
    expect(streamed).toMatchObject({
      type: 'function',
      function: { name: 'get_weather', arguments: '{"city":"Oslo"}' },
    });

    const final = await client.chat.completions.create({
      model: 'gpt-6-sol',
      messages: [...messages, choice.message, { role: 'tool', tool_call_id: call.id, content: 'Sleet and 2 degrees' }],
      tools: [weatherTool],
    });
    expect(final.choices[0]?.finish_reason).toBe('stop');
    expect(final.choices[0]?.message.content).toContain('Sleet and 2 degrees');
  });

  it('answers with JSON that fits the schema', async () => {
    const schema = {
      type: 'object',
      properties: { answer: { type: 'string' }, certainty: { type: 'number', minimum: 0, maximum: 1 } },
      required: ['answer', 'certainty'],
      additionalProperties: false,
    };
    const answer = await client.chat.completions.create({
      model: 'gpt-6-sol',
      messages: user(capital),
      response_format: { type: 'json_schema', json_schema: { name: 'reply', strict: true, schema } },
    });
    const value = JSON.parse(answer.choices[0]?.message.content ?? '') as { answer: string; certainty: number };
    expect(Object.keys(value)).toEqual(['answer', 'certainty']);
    expect(value.answer).toContain('Paris');
    expect(value.certainty).toBeGreaterThanOrEqual(0);
    expect(value.certainty).toBeLessThanOrEqual(1);
  });

  it('counts an image, and counts what is cached of a long prompt that was seen before', async () => {
    const image = { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,AAAA' } };
    const content = [{ type: 'text' as const, text: 'What is this?' }, image];
    const seen = await client.chat.completions.create({ model: 'gpt-6-sol', messages: [{ role: 'user', content }] });
    expect(seen.usage?.prompt_tokens).toBeGreaterThan(700);

    const system = { role: 'system' as const, content: 'You know all about the sea. '.repeat(300) };
    const cachedFor = async (question: string) => {
      const messages = [system, ...user(question)];
      const { usage } = await client.chat.completions.create({ model: 'gpt-6-sol', messages });
      return usage?.prompt_tokens_details?.cached_tokens ?? -1;
    };
    expect(await cachedFor('How deep?')).toBe(0);
    const cached = await cachedFor('How salty?');
    expect(cached).toBeGreaterThan(1024);
    expect(cached % 128).toBe(0);
  });
});

describe('embeddings', () => {
  it('are vectors of length 1, nearer for texts that share words', async () => {
    const input = ['a red apple on a tree', 'a red apple in a bowl', 'quarterly tax returns'];
    const { data, usage } = await client.embeddings.create({ model: 'text-embedding-3-small', input });
    const [first = [], second = [], third = []] = data.map(({ embedding }) => embedding);
    const product = (a: number[], b: number[]) => a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
    expect(first).toHaveLength(1536);
    expect(product(first, first)).toBeCloseTo(1, 4);
    expect(product(first, second)).toBeGreaterThan(product(first, third) + 0.2);
    expect(usage.prompt_tokens).toBeGreaterThan(10);
    const short = await client.embeddings.create({ model: 'text-embedding-3-small', input: 'x', dimensions: 64 });
    expect(short.data[0]?.embedding).toHaveLength(64);
  });
});

describe('errors', () => {
  const messages = user('Hello');

  it.each([
    ['an unknown model', { model: 'gpt-0', messages }, 404, 'model_not_found', null],
    ['a model of another dialect', { model: 'claude-sonnet-5', messages }, 404, 'model_not_found', null],
    ['an embedding model', { model: 'text-embedding-3-small', messages }, 404, null, 'model'],
    ['no messages', { model: 'gpt-6-sol' }, 400, 'missing_required_parameter', 'messages'],
    ['a wrong role', { model: 'gpt-6-sol', messages: [{ role: 'king' }] }, 400, 'invalid_value', 'messages[0].role'],
    [
      'a prompt too long',
      { model: 'blind', messages: user('la '.repeat(80)) },
      400,
      'context_length_exceeded',
      'messages',
    ],
    [
      'tools for a model without',
      { model: 'blind', messages, tools: [weatherTool] },
      400,
      'unsupported_parameter',
      'tools',
    ],
  ])('has the shape of the provider for %s', async (_, body, status, code, param) => {
    const failure = client.chat.completions.create(body as OpenAI.ChatCompletionCreateParamsNonStreaming);
    await expect(failure).rejects.toBeInstanceOf(OpenAI.APIError);
    await expect(failure).rejects.toMatchObject({ status, code, param, type: 'invalid_request_error' });
  });

  it('wants a key, JSON, and a path that exists', async () => {
    const keyless = await fetch(`${simulator.baseUrl}/v1/models`);
    expect([keyless.status, await keyless.json()]).toMatchObject([401, { error: { type: 'invalid_request_error' } }]);
    const headers = { 'content-type': 'application/json', authorization: 'Bearer k' };
    const plain = (path: string, body: string) => fetch(simulator.baseUrl + path, { method: 'POST', headers, body });
    expect((await plain('/v1/chat/completions', '{"model":')).status).toBe(400);
    const nowhere = await plain('/v1/nothing', '{}');
    expect([nowhere.status, await nowhere.json()]).toMatchObject([404, { error: { code: null } }]);
  });

  it('answers whatever it is sent, and never by failing itself', async () => {
    const keys = [
      'messages',
      'tools',
      'tool_choice',
      'response_format',
      'n',
      'stop',
      'stream',
      'input',
      'system',
      'max_tokens',
    ];
    const tool = fc.record({
      type: fc.constant('function'),
      function: fc.record({ name: fc.constant('f'), parameters: fc.object() }),
    });
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constant(messages),
      fc.array(tool, { maxLength: 2 }),
      fc.constant('required'),
      fc.nat(9),
    );
    const body = fc.dictionary(fc.constantFrom(...keys), value);
    const paths = fc.constantFrom(
      ['/v1/chat/completions', 'gpt-6-sol'],
      ['/v1/messages', 'claude-sonnet-5'],
      ['/v1/embeddings', 'text-embedding-3-small'],
      ['/sim/faults', 'gpt-6-sol'],
    );
    await fc.assert(
      fc.asyncProperty(paths, body, async ([path = '', model], more) => {
        const response = await post(simulator, path, { messages, max_tokens: 5, ...more, model });
        await response.text();
        expect(response.status).toBeLessThan(500);
      }),
      { numRuns: 400 },
    );
  });

  it('does not count a refused request', async () => {
    await post(simulator, '/sim/reset', {});
    await client.chat.completions.create({ model: 'gpt-6-sol', messages: [] }).catch(() => undefined);
    expect(await statsOf(simulator, 'gpt-6-sol')).toBeUndefined();
    await client.chat.completions.create({ model: 'gpt-6-sol', messages });
    expect(await statsOf(simulator, 'gpt-6-sol')).toMatchObject({ requests: 1, completed: 1, open: 0, aborted: 0 });
  });
});

describe('responses', () => {
  const ask = (input: OpenAI.Responses.ResponseCreateParams['input'], more: object = {}) =>
    client.responses.create({
      model: 'gpt-6-sol',
      input,
      ...more,
    } as OpenAI.Responses.ResponseCreateParamsNonStreaming);

  it('answers, and streams, what chat completions answer', async () => {
    await post(simulator, '/sim/reset', {});
    const chat = await client.chat.completions.create({ model: 'gpt-6-sol', messages: user(capital) });
    await post(simulator, '/sim/reset', {});
    const whole = await ask(capital);
    expect(whole).toMatchObject({ status: 'completed', output_text: chat.choices[0]?.message.content });
    expect(whole.usage?.output_tokens).toBe(chat.usage?.completion_tokens);
    await post(simulator, '/sim/reset', {});
    const streamed = await client.responses.stream({ model: 'gpt-6-sol', input: capital }).finalResponse();
    expect([streamed.output_text, streamed.usage]).toEqual([whole.output_text, whole.usage]);
  });

  it('calls functions, and goes on from their results', async () => {
    const { name, description, parameters } = weatherTool.function;
    const tools = [{ type: 'function' as const, name, description, parameters, strict: null }];
    const question = 'What is the weather in Oslo?';
    const [call] = (await ask(question, { tools })).output;
    if (call?.type !== 'function_call') throw new Error('no call');
    expect([call.name, call.arguments]).toEqual([name, '{"city":"Oslo"}']);
    const { output_text } = await ask(
      [
        { role: 'user', content: question },
        call,
        { type: 'function_call_output', call_id: call.call_id, output: 'Sleet' },
      ],
      { tools },
    );
    expect(output_text).toContain('Sleet');
  });

  it('refuses what it cannot read, as OpenAI does', async () => {
    await expect(ask(undefined as unknown as string)).rejects.toMatchObject({ status: 400, param: 'input' });
    await expect(ask('x', { model: 'gpt-0' })).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
    await expect(ask('x '.repeat(100), { model: 'blind' })).rejects.toMatchObject({
      code: 'context_length_exceeded',
      param: 'input',
    });
  });
});
