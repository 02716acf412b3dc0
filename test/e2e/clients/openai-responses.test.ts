import OpenAI from 'openai';
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

beforeAll(async () => {
  app = await startClientsApp();
});
afterAll(() => app.stop());
beforeEach(() => app.providers.reset());

const toTool = ({ name, description, schema }: typeof weather): OpenAI.Responses.FunctionTool => ({
  type: 'function',
  name,
  description,
  parameters: schema,
  strict: null,
});
const tools = [toTool(weather), toTool(time)];

type Request = Omit<OpenAI.Responses.ResponseCreateParamsNonStreaming, 'input' | 'model'>;

function ask(model: string, input: string | OpenAI.Responses.ResponseInput, more: Request = {}) {
  return app.client.responses.create({ model, input, ...more });
}

const callsOf = ({ output }: OpenAI.Responses.Response): OpenAI.Responses.ResponseFunctionToolCall[] =>
  output.filter((item) => item.type === 'function_call');

describe.each(models)('responses of the openai client with %s', (_, model) => {
  it('answers with text and usage', async () => {
    const response = await ask(model, capital);
    expect(response).toMatchObject({ object: 'response', status: 'completed', error: null, incomplete_details: null });
    expect(response.output_text).toContain('Paris');
    const { input_tokens = 0, output_tokens = 0, total_tokens } = response.usage ?? {};
    expect([input_tokens > 5, output_tokens > 2]).toEqual([true, true]);
    expect(total_tokens).toBe(input_tokens + output_tokens);
  });

  it('streams what it answers at once, in events that are numbered without a gap', async () => {
    const whole = await ask(model, essay);
    await app.providers.reset();
    const events = await collect(await app.client.responses.create({ model, input: essay, stream: true }));
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((__, index) => index));
    const text = events.map((event) => (event.type === 'response.output_text.delta' ? event.delta : '')).join('');
    expect(text).toBe(whole.output_text);
    expect(events.slice(0, 2).map(({ type }) => type)).toEqual(['response.created', 'response.in_progress']);
    const last = events.at(-1);
    if (last?.type !== 'response.completed') throw new Error(`the stream ended with ${last?.type}`);
    expect(last.response).toMatchObject({ status: 'completed', usage: whole.usage });
    expect(last.response.output).toMatchObject([{ type: 'message', content: [{ text: whole.output_text }] }]);
  });

  it('is put together by the client’s own stream', async () => {
    const final = await app.client.responses.stream({ model, input: capital }).finalResponse();
    expect(final.output_text).toContain('Paris');
  });

  it('is told what to be by instructions', async () => {
    const plain = await ask(model, capital);
    const told = await ask(model, capital, { instructions: 'Be brief. '.repeat(50) });
    expect(told.output_text).toContain('Paris');
    expect(told.instructions).toContain('Be brief.');
    expect(told.usage?.input_tokens).toBeGreaterThan((plain.usage?.input_tokens ?? 0) + 100);
  });

  it('calls several tools at once, and answers with their results', async () => {
    const first = await ask(model, twoQuestions, { tools });
    const calls = callsOf(first);
    expect(calls).toMatchObject([
      { name: 'get_weather', arguments: '{"city":"Oslo"}', status: 'completed' },
      { name: 'get_time', arguments: '{"city":"Oslo"}', status: 'completed' },
    ]);
    const results = calls.map(({ call_id, name }) => ({
      type: 'function_call_output' as const,
      call_id,
      output: `result of ${name}`,
    }));
    const input = [{ role: 'user' as const, content: twoQuestions }, ...calls, ...results];
    const final = await ask(model, input, { tools });
    expect(final.output_text).toContain('result of get_time');
  });

  it('takes the result of a tool in parts too', async () => {
    const input: OpenAI.Responses.ResponseInput = [
      { role: 'user', content: weatherQuestion },
      { type: 'function_call', call_id: 'call_1', name: 'get_weather', arguments: '{"city":"Oslo"}' },
      {
        type: 'function_call_output',
        call_id: 'call_1',
        output: [{ type: 'input_text', text: 'Sleet and 2 degrees' }],
      },
    ];
    expect((await ask(model, input, { tools })).output_text).toContain('tool: Sleet and 2 degrees');
  });

  it('streams the arguments of calls', async () => {
    const stream = app.client.responses.stream({ model, input: twoQuestions, tools });
    const events = await collect(stream);
    const deltas = events.filter((event) => event.type === 'response.function_call_arguments.delta');
    expect(deltas.length).toBeGreaterThan(4);
    expect(events.filter((event) => event.type === 'response.function_call_arguments.done')).toMatchObject([
      { arguments: '{"city":"Oslo"}', output_index: 0 },
      { arguments: '{"city":"Oslo"}', output_index: 1 },
    ]);
    expect(callsOf(await stream.finalResponse()).map(({ name }) => name)).toEqual(['get_weather', 'get_time']);
  });

  it('calls the tool that it must, one where it may call only one, and none where it may not', async () => {
    const named = await ask(model, twoQuestions, { tools, tool_choice: { type: 'function', name: 'get_time' } });
    expect(callsOf(named).map(({ name }) => name)).toEqual(['get_time']);
    expect(callsOf(await ask(model, capital, { tools, tool_choice: 'required' }))).toHaveLength(1);
    expect(callsOf(await ask(model, twoQuestions, { tools, parallel_tool_calls: false }))).toHaveLength(1);
    expect(callsOf(await ask(model, twoQuestions, { tools, tool_choice: 'none' }))).toEqual([]);
  });

  it('holds its answer to a schema', async () => {
    const format = { type: 'json_schema' as const, name: 'reply', strict: true, schema: replySchema };
    const request = { model, input: capital, text: { format } };
    const response = await app.client.responses.parse(request);
    expect(JSON.parse(response.output_text)).toEqual(reply);
    const streamed = await app.client.responses.stream(request).finalResponse();
    expect(JSON.parse(streamed.output_text)).toEqual(reply);
  });

  it.each([
    ['as data', pixelUrl],
    ['by its address', remoteImage],
  ])('sees an image that comes %s', async (__, image_url) => {
    const content: OpenAI.Responses.ResponseInputContent[] = [
      { type: 'input_text', text: 'What is on this picture?' },
      { type: 'input_image', image_url, detail: 'auto' },
    ];
    expect((await ask(model, [{ role: 'user', content }])).usage?.input_tokens).toBeGreaterThan(imageTokens);
  });

  it('is incomplete where it may not be longer', async () => {
    const response = await ask(model, essay, { max_output_tokens: 16 });
    expect(response).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      usage: { output_tokens: 16 },
    });
    const final = await app.client.responses.stream({ model, input: essay, max_output_tokens: 16 }).finalResponse();
    expect(final).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
  });

  it('refuses a bad request with the place of the mistake', async () => {
    const error = await failureOf(ask(model, [{ role: 'king' as 'user', content: 'x' }]));
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ status: 400, type: 'invalid_request_error', param: 'input[0].role' });
  });
});

describe.each(pinnedModels)('responses of the openai client with %s', (_, model) => {
  it('is broken off at the provider while it streams', async () => {
    await app.providers.fail({ fault: silentSoon, model });
    const stream = await app.client.responses.create({ model, input: essay, stream: true });
    for await (const event of stream) if (event.type === 'response.output_text.delta') break;
    await expect.poll(() => app.providers.stats(model), patience).toMatchObject(broken);
  });

  it('is broken off at the provider before it has answered', async () => {
    await app.providers.fail({ fault: silent, model });
    const leaving = new AbortController();
    const failure = failureOf(app.client.responses.create({ model, input: essay }, { signal: leaving.signal }));
    await expect.poll(() => app.providers.stats(model), patience).toMatchObject(underWay);
    leaving.abort();
    expect(await failure).toBeInstanceOf(OpenAI.APIUserAbortError);
    await expect.poll(() => app.providers.stats(model), patience).toMatchObject(broken);
  });

  it.each(outages)('fails where the provider fails with $fault', async ({ fault, status, code }) => {
    await app.providers.fail({ fault, model });
    const error = await failureOf(ask(model, capital));
    expect(error).toBeInstanceOf(status === 429 ? OpenAI.RateLimitError : OpenAI.InternalServerError);
    expect(error).toMatchObject({ status, code, message: expect.stringContaining(`${model} at `) });
  });

  it('is told in its last event where the provider breaks off', async () => {
    await app.providers.fail({ fault: 'cut:5', model });
    const events = await collect(await app.client.responses.create({ model, input: essay, stream: true }));
    expect(events.at(-1)).toMatchObject({ type: 'error', code: 'upstream_failed', message: expect.any(String) });
    expect(events.filter(({ type }) => type === 'response.completed')).toEqual([]);
    const thrown = await failureOf(app.client.responses.stream({ model, input: essay }).finalResponse());
    expect(thrown).toMatchObject({ type: 'error', code: 'upstream_failed' });
  });

  it('repeats what the provider refuses, in its words', async () => {
    const error = await failureOf(ask(model, 'x', { tools: [toTool({ ...weather, name: 'not a name' })] }));
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect((error as Error).message).toMatch(/tools.*name/);
  });
});

it('says what only OpenAI can do, where another provider is asked for it', async () => {
  const more = { previous_response_id: 'resp_1' };
  const error = await failureOf(ask('claude-sonnet-5', capital, more));
  expect(error).toBeInstanceOf(OpenAI.APIError);
  expect((error as Error).message).toContain('previous_response_id');
});

it('does not know a model that nobody has', async () => {
  const error = await failureOf(ask('gpt-0', capital));
  expect(error).toBeInstanceOf(OpenAI.NotFoundError);
  expect(error).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
});
