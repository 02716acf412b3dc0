import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import {
  APICallError,
  embedMany,
  generateText,
  jsonSchema,
  type LanguageModel,
  Output,
  stepCountIs,
  streamText,
  tool,
} from 'ai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type TestApp } from '../../support/app.ts';
import { capital, collect, failureOf, patience } from '../requests.ts';
import {
  broken,
  essay,
  imageTokens,
  models,
  outages,
  pinnedModels,
  pixelUrl,
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

beforeAll(async () => {
  app = await startClientsApp();
});
afterAll(() => app.stop());
beforeEach(() => app.providers.reset());

const compatible = () =>
  createOpenAICompatible({
    name: 'signalbox',
    baseURL: `${app.url('router')}/v1`,
    apiKey: 'sk-client',
    includeUsage: true,
    supportsStructuredOutputs: true,
  });

const surfaces: ReadonlyArray<readonly [string, (model: string) => LanguageModel]> = [
  ['@ai-sdk/openai-compatible', (model) => compatible().chatModel(model)],
  [
    '@ai-sdk/anthropic',
    (model) => createAnthropic({ baseURL: `${app.url('router')}/v1`, apiKey: 'sk-client' }).languageModel(model),
  ],
];

const subjects = (of: typeof models | typeof pinnedModels) =>
  surfaces.flatMap(([adapter, create]) =>
    of.map(([name, model]) => [adapter, name, () => create(model), model] as const),
  );

const answersOf = ({ name, description, schema }: typeof weather) =>
  tool({
    description,
    inputSchema: jsonSchema<{ city: string }>(schema),
    execute: ({ city }) => `result of ${name} in ${city}`,
  });
const tools = { get_weather: answersOf(weather), get_time: answersOf(time) };
const maxRetries = 0;

// Its adapters warn of every model that they do not know.
globalThis.AI_SDK_LOG_WARNINGS = false;

describe.each(subjects(models))('the AI SDK through %s with %s', (_, __, model) => {
  it('answers with text and usage', async () => {
    const { text, usage, finishReason } = await generateText({ model: model(), prompt: capital, maxRetries });
    expect(text).toContain('Paris');
    expect(finishReason).toBe('stop');
    expect(usage.inputTokens).toBeGreaterThan(5);
    expect(usage.outputTokens).toBeGreaterThan(2);
  });

  it('streams what it answers at once, with the usage', async () => {
    const whole = await generateText({ model: model(), prompt: essay, maxRetries });
    await app.providers.reset();
    const stream = streamText({ model: model(), prompt: essay, maxRetries });
    let pieces = 0;
    for await (const piece of stream.textStream) pieces += piece === '' ? 0 : 1;
    expect(await stream.text).toBe(whole.text);
    expect(pieces).toBeGreaterThan(5);
    expect(await stream.usage).toMatchObject({
      inputTokens: whole.usage.inputTokens,
      outputTokens: whole.usage.outputTokens,
    });
  });

  it('is told what to be by a system prompt', async () => {
    const plain = await generateText({ model: model(), prompt: capital, maxRetries });
    const system = 'Be brief. '.repeat(50);
    const told = await generateText({ model: model(), system, prompt: capital, maxRetries });
    expect(told.text).toContain('Paris');
    expect(told.usage.inputTokens).toBeGreaterThan((plain.usage.inputTokens ?? 0) + 100);
  });

  it('goes through a whole conversation with tools', async () => {
    const { text, steps } = await generateText({
      model: model(),
      prompt: twoQuestions,
      tools,
      stopWhen: stepCountIs(3),
      maxRetries,
    });
    expect(steps.map(({ finishReason }) => finishReason)).toEqual(['tool-calls', 'stop']);
    expect(steps[0]?.toolCalls.map(({ toolName, input }) => [toolName, input])).toEqual([
      ['get_weather', { city: 'Oslo' }],
      ['get_time', { city: 'Oslo' }],
    ]);
    expect(text).toContain('result of get_time in Oslo');
  });

  it('streams a whole conversation with tools, their input piece by piece', async () => {
    const stream = streamText({
      model: model(),
      prompt: twoQuestions,
      tools,
      stopWhen: stepCountIs(3),
      maxRetries,
    });
    const inputs = new Map<string, string>();
    let pieces = 0;
    for await (const part of stream.fullStream) {
      if (part.type === 'error') throw part.error;
      if (part.type !== 'tool-input-delta') continue;
      pieces += 1;
      inputs.set(part.id, (inputs.get(part.id) ?? '') + part.delta);
    }
    expect([...inputs.values()]).toEqual(['{"city":"Oslo"}', '{"city":"Oslo"}']);
    expect(pieces).toBeGreaterThan(4);
    expect(await stream.text).toContain('result of get_time in Oslo');
  });

  it('calls the tool that it must', async () => {
    const { toolCalls } = await generateText({
      model: model(),
      prompt: weatherQuestion,
      tools,
      toolChoice: { type: 'tool', toolName: 'get_time' },
      maxRetries,
    });
    expect(toolCalls.map(({ toolName }) => toolName)).toEqual(['get_time']);
  });

  it('holds its answer to a schema', async () => {
    const { output } = await generateText({
      model: model(),
      prompt: capital,
      output: Output.object({ schema: jsonSchema<{ answer: string; certainty: number }>(replySchema) }),
      maxRetries,
    });
    // Of models that it does not know, the Anthropic adapter asks for it as the input of a tool.
    expect(output).toEqual({ answer: expect.any(String), certainty: expect.any(Number) });
  });

  it('streams an answer that is held to a schema', async () => {
    const stream = streamText({
      model: model(),
      prompt: capital,
      output: Output.object({ schema: jsonSchema<{ answer: string; certainty: number }>(replySchema) }),
      maxRetries,
    });
    expect((await collect(stream.partialOutputStream)).length).toBeGreaterThan(1);
    expect(await stream.output).toEqual({ answer: expect.any(String), certainty: expect.any(Number) });
  });

  it('sees an image', async () => {
    const { usage } = await generateText({
      model: model(),
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image', image: pixelUrl },
          ],
        },
      ],
      maxRetries,
    });
    expect(usage.inputTokens).toBeGreaterThan(imageTokens);
  });
});

describe.each(subjects(pinnedModels))('the AI SDK through %s with %s', (_, __, model, name) => {
  it('breaks off at the provider what it is streamed', async () => {
    await app.providers.fail({ fault: silentSoon, model: name });
    const leaving = new AbortController();
    const stream = streamText({ model: model(), prompt: essay, abortSignal: leaving.signal, maxRetries });
    for await (const piece of stream.textStream) if (piece !== '') leaving.abort();
    await expect.poll(() => app.providers.stats(name), patience).toMatchObject(broken);
  });

  it('breaks off at the provider what has not been answered', async () => {
    await app.providers.fail({ fault: silent, model: name });
    const leaving = new AbortController();
    const failure = failureOf(generateText({ model: model(), prompt: essay, abortSignal: leaving.signal, maxRetries }));
    await expect.poll(() => app.providers.stats(name), patience).toMatchObject(underWay);
    leaving.abort();
    expect(await failure).toMatchObject({ name: 'AbortError' });
    await expect.poll(() => app.providers.stats(name), patience).toMatchObject(broken);
  });

  it('is told within the stream where the provider breaks off', async () => {
    await app.providers.fail({ fault: 'cut:5', model: name });
    const onError = () => undefined;
    const { fullStream } = streamText({ model: model(), prompt: essay, maxRetries, onError });
    const parts = await collect(fullStream);
    const error = expect.objectContaining({ message: expect.stringContaining('provider') });
    expect(parts.filter(({ type }) => type === 'error')).toEqual([{ type: 'error', error }]);
    expect(parts.at(-1)).toMatchObject({ type: 'finish', finishReason: 'error' });
  });

  it.each(outages)('fails where the provider fails with $fault', async ({ fault, status }) => {
    await app.providers.fail({ fault, model: name });
    const error = await failureOf(generateText({ model: model(), prompt: capital, maxRetries }));
    expect(error).toBeInstanceOf(APICallError);
    const message = expect.stringContaining(`${name} at `);
    expect(error).toMatchObject({ statusCode: status, isRetryable: true, message });
  });

  it('repeats what the provider refuses', async () => {
    const odd = { 'not a name': answersOf(weather) };
    const error = await failureOf(generateText({ model: model(), prompt: capital, tools: odd, maxRetries }));
    expect(error).toBeInstanceOf(APICallError);
    expect(error).toMatchObject({ statusCode: 400, isRetryable: false, message: expect.stringMatching(/tools.*name/) });
  });
});

it.each(surfaces)('through %s does not know a model that nobody has', async (_, create) => {
  const error = await failureOf(generateText({ model: create('gpt-0'), prompt: capital, maxRetries }));
  expect(error).toBeInstanceOf(APICallError);
  expect(error).toMatchObject({ statusCode: 404, message: expect.stringContaining('gpt-0') });
});

it('embeds through @ai-sdk/openai-compatible', async () => {
  const model = compatible().embeddingModel('text-embedding-3-small');
  const { embeddings, usage } = await embedMany({ model, values: ['one', 'two'], maxRetries });
  expect(embeddings.map((embedding) => embedding.length)).toEqual([1536, 1536]);
  expect(usage.tokens).toBe(2);
});
