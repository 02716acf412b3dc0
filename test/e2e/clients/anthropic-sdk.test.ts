import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type TestApp } from '../../support/app.ts';
import { capital, collect, failureOf, patience, signalboxHeaders } from '../requests.ts';
import {
  broken,
  essay,
  imageTokens,
  models,
  outages,
  pinnedModels,
  pixel,
  remoteImage,
  reply,
  replySchema,
  silent,
  silentSoon,
  startClientsApp,
  time,
  twoQuestions,
  underWay,
  weather,
  weatherQuestion,
} from './subjects.ts';

let app: TestApp;
let client: Anthropic;

beforeAll(async () => {
  app = await startClientsApp();
  client = new Anthropic({ baseURL: app.url('router'), apiKey: 'sk-client', maxRetries: 0, logLevel: 'off' });
});
afterAll(() => app.stop());
beforeEach(() => app.providers.reset());

const toTool = ({ name, description, schema }: typeof weather): Anthropic.Tool => ({
  name,
  description,
  input_schema: schema,
});
const tools = [toTool(weather), toTool(time)];

type Request = Partial<Omit<Anthropic.MessageCreateParamsNonStreaming, 'messages' | 'model'>>;
type Content = Anthropic.MessageParam['content'];

function ask(model: string, content: Content, more: Request = {}) {
  return client.messages.create({ model, max_tokens: 1000, messages: [{ role: 'user', content }], ...more });
}

const textOf = ({ content }: Anthropic.Message): string =>
  content.map((block) => (block.type === 'text' ? block.text : '')).join('');
const callsOf = ({ content }: Anthropic.Message): Anthropic.ToolUseBlock[] =>
  content.filter((block) => block.type === 'tool_use');

describe.each(models)('messages of the Anthropic client with %s', (_, model) => {
  it('answers with text and usage', async () => {
    const message = await ask(model, capital);
    expect(message).toMatchObject({ type: 'message', role: 'assistant', stop_reason: 'end_turn', stop_sequence: null });
    expect(textOf(message)).toContain('Paris');
    expect(message.usage.input_tokens).toBeGreaterThan(5);
    expect(message.usage.output_tokens).toBeGreaterThan(2);
  });

  it('streams what it answers at once, with its usage', async () => {
    const whole = await ask(model, essay);
    await app.providers.reset();
    const stream = client.messages.stream({
      model,
      max_tokens: 1000,
      messages: [{ role: 'user', content: essay }],
    });
    let text = '';
    stream.on('text', (delta) => (text += delta));
    const final = await stream.finalMessage();
    expect([text, textOf(final)]).toEqual([textOf(whole), textOf(whole)]);
    expect(final.stop_reason).toBe('end_turn');
    expect(final.usage.input_tokens).toBe(whole.usage.input_tokens);
    expect(final.usage.output_tokens).toBe(whole.usage.output_tokens);
  });

  it('streams events in the order of the dialect', async () => {
    const events = await collect(
      await client.messages.create({
        model,
        max_tokens: 1000,
        messages: [{ role: 'user', content: twoQuestions }],
        tools,
        stream: true,
      }),
    );
    const names = events.map(({ type }) => type).filter((name, index, all) => name !== all[index - 1]);
    const block = ['content_block_start', 'content_block_delta', 'content_block_stop'];
    expect(names).toEqual(['message_start', ...block, ...block, 'message_delta', 'message_stop']);
    const indexes = events.flatMap((event) => (event.type === 'content_block_start' ? [event.index] : []));
    expect(indexes).toEqual([0, 1]);
  });

  it('is told what to be by a system prompt, in one text or in blocks', async () => {
    const plain = await ask(model, capital);
    const told = await ask(model, capital, { system: 'Be brief. '.repeat(50) });
    expect(textOf(told)).toContain('Paris');
    expect(told.usage.input_tokens).toBeGreaterThan(plain.usage.input_tokens + 100);
    const blocks = await ask(model, capital, {
      system: [
        { type: 'text', text: 'Be brief. '.repeat(25) },
        { type: 'text', text: 'Be exact. '.repeat(25) },
      ],
    });
    expect(blocks.usage.input_tokens).toBeGreaterThan(plain.usage.input_tokens + 100);
  });

  it('goes through a whole conversation with tools', async () => {
    const first = await ask(model, twoQuestions, { tools });
    expect(first.stop_reason).toBe('tool_use');
    const calls = callsOf(first);
    expect(calls).toMatchObject([
      { name: 'get_weather', input: { city: 'Oslo' } },
      { name: 'get_time', input: { city: 'Oslo' } },
    ]);
    const final = await client.messages.create({
      model,
      max_tokens: 1000,
      tools,
      messages: [
        { role: 'user', content: twoQuestions },
        { role: 'assistant', content: first.content },
        {
          role: 'user',
          content: calls.map(({ id, name }) => ({
            type: 'tool_result',
            tool_use_id: id,
            content: [{ type: 'text', text: `result of ${name}` }],
          })),
        },
      ],
    });
    expect(final.stop_reason).toBe('end_turn');
    expect(textOf(final)).toContain('result of get_time');
  });

  it('sees the image that a tool gave back', async () => {
    const messages = (image: boolean): Anthropic.MessageParam[] => [
      { role: 'user', content: weatherQuestion },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: {} }] },
      {
        role: 'user',
        content: [
          {
            type: 'tool_result',
            tool_use_id: 'toolu_1',
            content: [
              { type: 'text', text: 'Sleet' },
              ...(image
                ? [
                    {
                      type: 'image' as const,
                      source: { type: 'base64' as const, media_type: 'image/png' as const, data: pixel },
                    },
                  ]
                : []),
            ],
          },
        ],
      },
    ];
    const usageOf = async (image: boolean) =>
      (await client.messages.create({ model, max_tokens: 100, tools, messages: messages(image) })).usage.input_tokens;
    expect(await usageOf(true)).toBeGreaterThan(await usageOf(false));
  });

  it('streams the input of several calls at once, each to its own', async () => {
    const stream = client.messages.stream({
      model,
      max_tokens: 1000,
      messages: [{ role: 'user', content: twoQuestions }],
      tools,
    });
    let deltas = 0;
    stream.on('inputJson', () => (deltas += 1));
    const final = await stream.finalMessage();
    expect(final.stop_reason).toBe('tool_use');
    expect(callsOf(final).map(({ name, input }) => [name, input])).toEqual([
      ['get_weather', { city: 'Oslo' }],
      ['get_time', { city: 'Oslo' }],
    ]);
    expect(deltas).toBeGreaterThan(4);
  });

  it('calls the tool that it must, one where it may call only one, and none where it may not', async () => {
    const named = await ask(model, twoQuestions, { tools, tool_choice: { type: 'tool', name: 'get_time' } });
    expect(callsOf(named).map(({ name }) => name)).toEqual(['get_time']);
    expect(callsOf(await ask(model, capital, { tools, tool_choice: { type: 'any' } }))).toHaveLength(1);
    const single = { tools, tool_choice: { type: 'auto' as const, disable_parallel_tool_use: true } };
    expect(callsOf(await ask(model, twoQuestions, single))).toHaveLength(1);
    expect(callsOf(await ask(model, twoQuestions, { tools, tool_choice: { type: 'none' } }))).toEqual([]);
  });

  it('holds its answer to a schema', async () => {
    const output_config = { format: { type: 'json_schema' as const, schema: replySchema } };
    const message = await ask(model, capital, { output_config });
    expect(JSON.parse(textOf(message))).toEqual(reply);
    const messages = [{ role: 'user' as const, content: capital }];
    const stream = client.messages.stream({ model, max_tokens: 1000, messages, output_config });
    expect(JSON.parse(textOf(await stream.finalMessage()))).toEqual(reply);
  });

  it.each([
    ['as data', { type: 'base64' as const, media_type: 'image/png' as const, data: pixel }],
    ['by its address', { type: 'url' as const, url: remoteImage }],
  ])('sees an image that comes %s', async (__, source) => {
    const message = await ask(model, [
      { type: 'image', source },
      { type: 'text', text: 'What is on this picture?' },
    ]);
    expect(message.usage.input_tokens).toBeGreaterThan(imageTokens);
  });

  it('honours max_tokens and stop_sequences', async () => {
    const short = await ask(model, essay, { max_tokens: 3 });
    expect(short).toMatchObject({ stop_reason: 'max_tokens', usage: { output_tokens: 3 } });
    expect(textOf(await ask(model, essay, { stop_sequences: ['.'] }))).not.toContain('.');
  });

  it('counts the tokens of a request', async () => {
    const messages = [{ role: 'user' as const, content: capital }];
    const count = async (more: object) =>
      (await client.messages.countTokens({ model, messages, ...more })).input_tokens;
    const plain = await count({});
    expect(plain).toBeGreaterThan(5);
    expect(await count({ system: 'Be brief. '.repeat(50), tools })).toBeGreaterThan(plain + 100);
  });

  it('refuses a bad request in the words of the dialect, naming the place', async () => {
    const error = await failureOf(ask(model, [{ text: 'no type' } as unknown as Anthropic.TextBlockParam]));
    expect(error).toBeInstanceOf(Anthropic.BadRequestError);
    expect(error).toMatchObject({
      status: 400,
      error: { type: 'error', error: { type: 'invalid_request_error', message: expect.any(String) } },
    });
    expect((error as Error).message).toContain('messages[0].content[0].type');
  });
});

describe.each(pinnedModels)('messages of the Anthropic client with %s', (_, model) => {
  it('is broken off at the provider while it streams', async () => {
    await app.providers.fail({ fault: silentSoon, model });
    const stream = client.messages.stream({
      model,
      max_tokens: 1000,
      messages: [{ role: 'user', content: essay }],
    });
    stream.on('text', () => stream.abort());
    expect(await failureOf(stream.finalMessage())).toBeInstanceOf(Anthropic.APIUserAbortError);
    await expect.poll(() => app.providers.stats(model), patience).toMatchObject(broken);
  });

  it('is broken off at the provider before it has answered', async () => {
    await app.providers.fail({ fault: silent, model });
    const leaving = new AbortController();
    const request = { model, max_tokens: 1000, messages: [{ role: 'user' as const, content: essay }] };
    const failure = failureOf(client.messages.create(request, { signal: leaving.signal }));
    await expect.poll(() => app.providers.stats(model), patience).toMatchObject(underWay);
    leaving.abort();
    expect(await failure).toBeInstanceOf(Anthropic.APIUserAbortError);
    await expect.poll(() => app.providers.stats(model), patience).toMatchObject(broken);
  });

  it('throws where the provider breaks off', async () => {
    await app.providers.fail({ fault: 'cut:5', model });
    const stream = client.messages.stream({
      model,
      max_tokens: 1000,
      messages: [{ role: 'user', content: essay }],
    });
    const error = await failureOf(stream.finalMessage());
    expect(error).toBeInstanceOf(Anthropic.APIError);
    expect(error).toMatchObject({ error: { type: 'error', error: { type: 'api_error' } } });
  });

  it('repeats what the provider refuses, in its words and in the shape of the dialect', async () => {
    const error = await failureOf(ask(model, 'x', { tools: [toTool({ ...weather, name: 'not a name' })] }));
    expect(error).toBeInstanceOf(Anthropic.BadRequestError);
    expect(error).toMatchObject({ error: { type: 'error', error: { type: 'invalid_request_error' } } });
    expect((error as Error).message).toMatch(/tools.*name/);
    expect(signalboxHeaders((error as InstanceType<typeof Anthropic.APIError>).headers)).toMatchObject({ model });
  });

  it.each(outages)('fails where the provider fails with $fault', async ({ fault, status, type }) => {
    await app.providers.fail({ fault, model });
    const error = await failureOf(ask(model, capital));
    expect(error).toBeInstanceOf(status === 429 ? Anthropic.RateLimitError : Anthropic.InternalServerError);
    const message = expect.stringContaining(`${model} at `);
    expect(error).toMatchObject({ status, message, error: { type: 'error', error: { type, message } } });
  });
});

it('does not know a model that nobody has', async () => {
  for (const request of [
    ask('claude-0', capital),
    client.messages.countTokens({ model: 'claude-0', messages: [{ role: 'user', content: 'x' }] }),
  ]) {
    const error = await failureOf(request);
    expect(error).toBeInstanceOf(Anthropic.NotFoundError);
    expect(error).toMatchObject({ status: 404, error: { type: 'error', error: { type: 'not_found_error' } } });
  }
});

it('counts the tokens of a model of Anthropic as Anthropic does', async () => {
  const messages = [{ role: 'user' as const, content: capital }];
  const { usage } = await ask('claude-sonnet-5', capital);
  const { input_tokens } = await client.messages.countTokens({ model: 'claude-sonnet-5', messages });
  expect(input_tokens).toBe(usage.input_tokens);
});
