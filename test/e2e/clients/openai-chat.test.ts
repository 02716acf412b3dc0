import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type TestApp } from '../../support/app.ts';
import { capital, collect, failureOf, patience, signalboxHeaders, textOf, user } from '../requests.ts';
import {
  broken,
  essay,
  imageTokens,
  models,
  outages,
  pinnedModels,
  pixelUrl,
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
} from './subjects.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startClientsApp();
});
afterAll(() => app.stop());
beforeEach(() => app.providers.reset());

const toTool = ({ name, description, schema }: typeof weather): OpenAI.ChatCompletionFunctionTool => ({
  type: 'function',
  function: { name, description, parameters: schema },
});
const tools = [toTool(weather), toTool(time)];

type Request = Omit<OpenAI.ChatCompletionCreateParamsNonStreaming, 'messages' | 'model'>;

function ask(model: string, messages: OpenAI.ChatCompletionMessageParam[], more: Request = {}) {
  return app.client.chat.completions.create({ model, messages, ...more });
}

const namesOf = (calls: readonly OpenAI.ChatCompletionMessageToolCall[] | undefined): string[] =>
  (calls ?? []).map((call) => (call.type === 'function' ? call.function.name : call.type));

describe.each(models)('chat completions of the openai client with %s', (_, model) => {
  it('answers with text and usage', async () => {
    const answer = await ask(model, user(capital));
    expect(answer.choices[0]).toMatchObject({ finish_reason: 'stop', message: { role: 'assistant', refusal: null } });
    expect(answer.choices[0]?.message.content).toContain('Paris');
    const { prompt_tokens = 0, completion_tokens = 0, total_tokens } = answer.usage ?? {};
    expect([prompt_tokens > 5, completion_tokens > 2]).toEqual([true, true]);
    expect(total_tokens).toBe(prompt_tokens + completion_tokens);
  });

  it('streams what it answers at once, with the usage where it is asked for', async () => {
    const whole = await ask(model, user(essay));
    await app.providers.reset();
    const chunks = await collect(
      await app.client.chat.completions.create({
        model,
        messages: user(essay),
        stream: true,
        stream_options: { include_usage: true },
      }),
    );
    expect(textOf(chunks)).toBe(whole.choices[0]?.message.content);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: whole.usage?.total_tokens } });
    const untold = await app.client.chat.completions.create({ model, messages: user(essay), stream: true });
    expect((await collect(untold)).filter(({ usage }) => usage != null)).toEqual([]);
  });

  it('is told what to be by system and developer messages', async () => {
    const system = { role: 'system' as const, content: 'Be brief. '.repeat(50) };
    const plain = await ask(model, user(capital));
    const told = await ask(model, [system, { role: 'developer', content: 'Be exact.' }, ...user(capital)]);
    expect(told.choices[0]?.message.content).toContain('Paris');
    expect(told.usage?.prompt_tokens).toBeGreaterThan((plain.usage?.prompt_tokens ?? 0) + 100);
  });

  it('goes through a whole conversation with tools', async () => {
    const answered: string[] = [];
    const runner = app.client.chat.completions.runTools({
      model,
      messages: user(twoQuestions),
      tools: [weather, time].map(({ name, description, schema }) => ({
        type: 'function',
        function: {
          name,
          description,
          parameters: schema,
          parse: (text: string) => JSON.parse(text) as { city: string },
          function: ({ city }: { city: string }) => {
            answered.push(name);
            return `result of ${name} in ${city}`;
          },
        },
      })),
    });
    expect(await runner.finalContent()).toContain('result of get_time in Oslo');
    expect(answered).toEqual(['get_weather', 'get_time']);
  });

  it('streams the arguments of several calls at once, each to its own', async () => {
    const stream = app.client.chat.completions.stream({ model, messages: user(twoQuestions), tools });
    let deltas = 0;
    stream.on('tool_calls.function.arguments.delta', () => (deltas += 1));
    const [choice] = (await stream.finalChatCompletion()).choices;
    expect(choice).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        tool_calls: [
          { type: 'function', function: { name: 'get_weather', arguments: '{"city":"Oslo"}' } },
          { type: 'function', function: { name: 'get_time', arguments: '{"city":"Oslo"}' } },
        ],
      },
    });
    expect(deltas).toBeGreaterThan(4);
  });

  it('calls the tool that it must, one where it may call only one, and none where it may not', async () => {
    const named = await ask(model, user(twoQuestions), {
      tools,
      tool_choice: { type: 'function', function: { name: 'get_time' } },
    });
    expect(namesOf(named.choices[0]?.message.tool_calls)).toEqual(['get_time']);
    const required = await ask(model, user(capital), { tools, tool_choice: 'required' });
    expect(namesOf(required.choices[0]?.message.tool_calls)).toHaveLength(1);
    const single = await ask(model, user(twoQuestions), { tools, parallel_tool_calls: false });
    expect(namesOf(single.choices[0]?.message.tool_calls)).toHaveLength(1);
    const none = await ask(model, user(twoQuestions), { tools, tool_choice: 'none' });
    expect(none.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: expect.any(String) } });
  });

  it('holds its answer to a schema', async () => {
    const response_format = {
      type: 'json_schema' as const,
      json_schema: { name: 'reply', strict: true, schema: replySchema },
    };
    const request = { model, messages: user(capital), response_format };
    const completion = await app.client.chat.completions.parse(request);
    expect(JSON.parse(completion.choices[0]?.message.content ?? '')).toEqual(reply);
    const streamed = await app.client.chat.completions.stream(request).finalChatCompletion();
    expect(JSON.parse(streamed.choices[0]?.message.content ?? '')).toEqual(reply);
  });

  it.each([
    ['as data', pixelUrl],
    ['by its address', remoteImage],
  ])('sees an image that comes %s', async (__, url) => {
    const content: OpenAI.ChatCompletionContentPart[] = [
      { type: 'text', text: 'What is on this picture?' },
      { type: 'image_url', image_url: { url } },
    ];
    const { usage } = await ask(model, [{ role: 'user', content }]);
    expect(usage?.prompt_tokens).toBeGreaterThan(imageTokens);
  });

  it('refuses a bad request with the place of the mistake', async () => {
    const error = await failureOf(ask(model, [{ role: 'user', content: 7 as unknown as string }]));
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ status: 400, type: 'invalid_request_error', param: 'messages[0].content' });
  });
});

describe.each(pinnedModels)('chat completions of the openai client with %s', (_, model) => {
  it('is broken off at the provider while it streams', async () => {
    await app.providers.fail({ fault: silentSoon, model });
    const stream = await app.client.chat.completions.create({ model, messages: user(essay), stream: true });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
    await expect.poll(() => app.providers.stats(model), patience).toMatchObject(broken);
  });

  it('is broken off at the provider before it has answered', async () => {
    await app.providers.fail({ fault: silent, model });
    const leaving = new AbortController();
    const request = { model, messages: user(essay) };
    const failure = failureOf(app.client.chat.completions.create(request, { signal: leaving.signal }));
    await expect.poll(() => app.providers.stats(model), patience).toMatchObject(underWay);
    leaving.abort();
    expect(await failure).toBeInstanceOf(OpenAI.APIUserAbortError);
    await expect.poll(() => app.providers.stats(model), patience).toMatchObject(broken);
  });

  it('throws where the provider breaks off', async () => {
    await app.providers.fail({ fault: 'cut:5', model });
    const stream = await app.client.chat.completions.create({ model, messages: user(essay), stream: true });
    const error = await failureOf(collect(stream));
    expect(error).toBeInstanceOf(OpenAI.APIError);
    expect(error).toMatchObject({ code: 'upstream_failed', message: expect.any(String) });
  });

  it.each(outages)('fails where the provider fails with $fault', async ({ fault, status, code }) => {
    await app.providers.fail({ fault, model });
    const error = await failureOf(ask(model, user(capital)));
    expect(error).toBeInstanceOf(status === 429 ? OpenAI.RateLimitError : OpenAI.InternalServerError);
    expect(error).toMatchObject({ status, code, message: expect.stringContaining(`${model} at `) });
  });

  it('repeats what the provider refuses, in its words', async () => {
    const error = await failureOf(ask(model, user('x'), { tools: [toTool({ ...weather, name: 'not a name' })] }));
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect((error as Error).message).toMatch(/tools.*name/);
    expect(signalboxHeaders((error as InstanceType<typeof OpenAI.APIError>).headers)).toMatchObject({ model });
  });
});

it('does not know a model that nobody has', async () => {
  const error = await failureOf(ask('gpt-0', user(capital)));
  expect(error).toBeInstanceOf(OpenAI.NotFoundError);
  expect(error).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
});
