import { HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
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
  reply,
  replySchema,
  silent,
  silentSoon,
  startClientsApp,
  time,
  twoQuestions,
  underWay,
  weather,
} from './subjects.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startClientsApp();
});
afterAll(() => app.stop());
beforeEach(() => app.providers.reset());

const surfaces = [
  ['chat completions', false],
  ['responses', true],
] as const;

function chat(model: string, useResponsesApi: boolean): ChatOpenAI {
  return new ChatOpenAI({
    model,
    apiKey: 'sk-client',
    maxRetries: 0,
    useResponsesApi,
    configuration: { baseURL: `${app.url('router')}/v1` },
  });
}

const toTool = ({ name, description, schema }: typeof weather) => ({
  type: 'function' as const,
  function: { name, description, parameters: schema },
});
const tools = [toTool(weather), toTool(time)];

const subjects = (of: typeof models | typeof pinnedModels) =>
  surfaces.flatMap(([surface, useResponses]) =>
    of.map(([name, model]) => [surface, name, () => chat(model, useResponses), model] as const),
  );

describe.each(subjects(models))('ChatOpenAI through %s with %s', (_, __, model) => {
  it('answers with text and usage', async () => {
    const message = await model().invoke([new SystemMessage('Be brief.'), new HumanMessage(capital)]);
    expect(message.text).toContain('Paris');
    expect(message.usage_metadata?.input_tokens).toBeGreaterThan(5);
  });

  it('streams what it answers at once, with the usage', async () => {
    const whole = await model().invoke(essay);
    await app.providers.reset();
    let text = '';
    let usage = 0;
    for await (const chunk of await model().stream(essay)) {
      text += chunk.text;
      usage += chunk.usage_metadata?.output_tokens ?? 0;
    }
    expect(text).toBe(whole.text);
    expect(usage).toBe(whole.usage_metadata?.output_tokens);
  });

  it('calls several tools at once, and answers with their results', async () => {
    const withTools = model().bindTools(tools);
    const first = await withTools.invoke(twoQuestions);
    expect(first.tool_calls?.map(({ name, args }) => [name, args])).toEqual([
      ['get_weather', { city: 'Oslo' }],
      ['get_time', { city: 'Oslo' }],
    ]);
    const results = (first.tool_calls ?? []).map(
      ({ id, name }) => new ToolMessage({ tool_call_id: id ?? '', content: `result of ${name}` }),
    );
    const final = await withTools.invoke([new HumanMessage(twoQuestions), first, ...results]);
    expect(final.text).toContain('result of get_time');
  });

  it('streams the arguments of calls', async () => {
    const calls: Record<number, string> = {};
    for await (const chunk of await model().bindTools(tools).stream(twoQuestions)) {
      for (const { index = 0, args = '' } of chunk.tool_call_chunks ?? []) calls[index] = (calls[index] ?? '') + args;
    }
    expect(Object.values(calls)).toEqual(['{"city":"Oslo"}', '{"city":"Oslo"}']);
  });

  it('calls the tool that it must', async () => {
    const message = await model().bindTools(tools, { tool_choice: 'get_time' }).invoke(twoQuestions);
    expect(message.tool_calls?.map(({ name }) => name)).toEqual(['get_time']);
  });

  it('holds its answer to a schema', async () => {
    const structured = model().withStructuredOutput(replySchema, { name: 'reply', method: 'jsonSchema', strict: true });
    expect(await structured.invoke(capital)).toEqual(reply);
  });

  it('sees an image', async () => {
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: pixelUrl } },
    ];
    const message = await model().invoke([new HumanMessage({ content })]);
    expect(message.usage_metadata?.input_tokens).toBeGreaterThan(imageTokens);
  });
});

describe.each(subjects(pinnedModels))('ChatOpenAI through %s with %s', (_, __, model, name) => {
  it('breaks off at the provider what it is streamed', async () => {
    await app.providers.fail({ fault: silentSoon, model: name });
    const leaving = new AbortController();
    const reading = (async () => {
      for await (const chunk of await model().stream(essay, { signal: leaving.signal })) {
        if (chunk.text !== '') leaving.abort();
      }
    })();
    expect(await failureOf(reading)).toMatchObject({ name: 'AbortError' });
    await expect.poll(() => app.providers.stats(name), patience).toMatchObject(broken);
  });

  it('breaks off at the provider what has not been answered', async () => {
    await app.providers.fail({ fault: silent, model: name });
    const leaving = new AbortController();
    const failure = failureOf(model().invoke(essay, { signal: leaving.signal }));
    await expect.poll(() => app.providers.stats(name), patience).toMatchObject(underWay);
    leaving.abort();
    expect(await failure).toMatchObject({ name: 'AbortError' });
    await expect.poll(() => app.providers.stats(name), patience).toMatchObject(broken);
  });

  it('throws where the provider breaks off', async () => {
    await app.providers.fail({ fault: 'cut:5', model: name });
    const error = await failureOf(collect(await model().stream(essay)));
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ code: 'upstream_failed' });
  });

  it('repeats what the provider refuses, in its words', async () => {
    const odd = [toTool({ ...weather, name: 'not a name' })];
    const error = await failureOf(model().bindTools(odd).invoke(capital));
    expect(error).toMatchObject({ status: 400, message: expect.stringMatching(/tools.*name/) });
  });

  it.each(outages)('fails where the provider fails with $fault', async ({ fault, status, code }) => {
    await app.providers.fail({ fault, model: name });
    const error = await failureOf(model().invoke(capital));
    expect(error).toMatchObject({ status, code, message: expect.stringContaining(`${name} at `) });
  });
});

it.each(surfaces)('through %s does not know a model that nobody has', async (_, useResponses) => {
  expect(await failureOf(chat('gpt-0', useResponses).invoke(capital))).toMatchObject({
    status: 404,
    code: 'model_not_found',
  });
});

it('embeds', async () => {
  const embeddings = new OpenAIEmbeddings({
    model: 'text-embedding-3-small',
    apiKey: 'sk-client',
    configuration: { baseURL: `${app.url('router')}/v1` },
  });
  const vectors = await embeddings.embedDocuments(['one', 'two']);
  expect(vectors.map((vector) => vector.length)).toEqual([1536, 1536]);
});
