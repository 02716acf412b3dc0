import { createAnthropic } from '@ai-sdk/anthropic';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultProfiles } from '../../../src/simulator/default-profiles.ts';
import type { Simulator } from '../../../src/simulator/simulator.ts';
import { collect, post, startSimulator } from './simulation.ts';

let simulator: Simulator;

beforeAll(async () => {
  simulator = await startSimulator({ profiles: defaultProfiles.map((profile) => ({ ...profile, error_rate: 0 })) });
});
afterAll(() => simulator.stop());

function body(content: unknown, more: object = {}): object {
  return { model: 'claude-sonnet-5', max_tokens: 1000, messages: [{ role: 'user', content }], ...more };
}

interface Message {
  content: { type: string; text?: string; name?: string; input?: unknown; id?: string }[];
  stop_reason: string;
  stop_sequence: string | null;
  usage: Record<string, number>;
}

async function ask(content: unknown, more: object = {}): Promise<Message> {
  const response = await post(simulator, '/v1/messages', body(content, more));
  expect(response.status).toBe(200);
  return (await response.json()) as Message;
}

async function streamOf(
  content: unknown,
  more: object = {},
): Promise<{ event: string; data: Record<string, unknown> }[]> {
  const response = await post(simulator, '/v1/messages', body(content, { stream: true, ...more }));
  const events: EventSourceMessage[] = [];
  createParser({ onEvent: (event) => events.push(event) }).feed(await response.text());
  return events.map(({ event = '', data }) => ({ event, data: JSON.parse(data) as Record<string, unknown> }));
}

const tool = {
  name: 'get_weather',
  description: 'Weather of a place',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
const question = 'What is the weather in Oslo?';

describe('messages', () => {
  it('streams the events of the provider in their order, with the text and usage of the whole message', async () => {
    await post(simulator, '/sim/reset', {});
    const whole = await ask('Write about bridges');
    await post(simulator, '/sim/reset', {});
    const events = await streamOf('Write about bridges');
    const names = events.map(({ event }) => event).filter((name, index, all) => name !== all[index - 1]);
    expect(names).toEqual([
      'message_start',
      'content_block_start',
      'ping',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    expect(events.every(({ event, data }) => event === data.type)).toBe(true);
    const deltas = events.filter(({ event }) => event === 'content_block_delta');
    expect(deltas.map(({ data }) => (data.delta as { text: string }).text).join('')).toBe(whole.content[0]?.text);
    const end = events.at(-2)?.data;
    expect(end).toMatchObject({ delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: whole.usage });
  });

  it('calls a tool and then answers with its result', async () => {
    const called = await ask(question, { tools: [tool] });
    expect(called).toMatchObject({
      stop_reason: 'tool_use',
      content: [{ type: 'tool_use', name: 'get_weather', input: { city: 'Oslo' } }],
    });
    const events = await streamOf(question, { tools: [tool] });
    const json = events.map(({ data }) => (data.delta as { partial_json?: string } | undefined)?.partial_json ?? '');
    expect(JSON.parse(json.join(''))).toEqual({ city: 'Oslo' });

    const result = { type: 'tool_result', tool_use_id: called.content[0]?.id, content: 'Sleet' };
    const messages = [
      { role: 'user', content: question },
      { role: 'assistant', content: called.content },
      { role: 'user', content: [result] },
    ];
    const final = await ask('', { tools: [tool], messages });
    expect(final.stop_reason).toBe('end_turn');
    expect(final.content[0]?.text).toContain('Sleet');
  });

  it('honours max_tokens and stop_sequences', async () => {
    const short = await ask('Tell me about lighthouses', { max_tokens: 3 });
    expect([short.stop_reason, short.usage.output_tokens]).toEqual(['max_tokens', 3]);
    const stopped = await ask('Tell me about lighthouses', { stop_sequences: ['.'] });
    expect([stopped.stop_reason, stopped.stop_sequence]).toEqual(['stop_sequence', '.']);
  });

  it('writes and reads the prompt cache only where the request marks it', async () => {
    const long = 'All about the sea. '.repeat(400);
    const marked = { system: [{ type: 'text', text: long, cache_control: { type: 'ephemeral' } }] };
    const plain = (await ask('One', { system: long })).usage;
    expect([plain.cache_creation_input_tokens, plain.cache_read_input_tokens]).toEqual([0, 0]);
    const first = (await ask('Two', marked)).usage;
    const second = (await ask('Three', marked)).usage;
    expect(first.cache_creation_input_tokens).toBeGreaterThan(1024);
    expect(second).toMatchObject({ cache_creation_input_tokens: 0, input_tokens: first.input_tokens });
    expect(second.cache_read_input_tokens).toBe(first.cache_creation_input_tokens);
  });

  it('is understood by a client of the provider, streamed or not', async () => {
    const model = createAnthropic({ apiKey: 'k', baseURL: `${simulator.baseUrl}/v1` })('claude-sonnet-5');
    const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Write about rivers' }] }];
    const whole = await model.doGenerate({ prompt, maxOutputTokens: 500 });
    expect(whole).toMatchObject({ finishReason: { unified: 'stop' }, content: [{ type: 'text' }] });
    const parts = await collect((await model.doStream({ prompt, maxOutputTokens: 500 })).stream);
    expect(parts.some((part) => part.type === 'error')).toBe(false);
    expect(parts.filter((part) => part.type === 'text-delta').length).toBeGreaterThan(5);
    expect(parts.at(-1)).toMatchObject({ type: 'finish', finishReason: { unified: 'stop' } });
  });
});

describe('models and errors', () => {
  it('lists the models page by page', async () => {
    const list = async (query: string) => {
      const headers = { 'x-api-key': 'k', 'anthropic-version': '2023-06-01' };
      return (await fetch(`${simulator.baseUrl}/v1/models${query}`, { headers })).json();
    };
    expect(await list('?limit=2')).toMatchObject({
      data: [{ type: 'model', id: 'claude-haiku-4-5', display_name: 'Claude Haiku 4.5' }, { id: 'claude-sonnet-5' }],
      has_more: true,
      first_id: 'claude-haiku-4-5',
      last_id: 'claude-sonnet-5',
    });
    expect(await list('?after_id=claude-sonnet-5')).toMatchObject({
      data: [{ id: 'claude-opus-5-5' }],
      has_more: false,
    });
    expect(await list('/claude-haiku-4-5')).toMatchObject({ type: 'model', id: 'claude-haiku-4-5' });
  });

  it.each([
    ['an unknown model', { model: 'claude-0' }, 404, 'not_found_error', 'model: claude-0'],
    ['a model of another dialect', { model: 'gpt-6-sol' }, 404, 'not_found_error', 'model: gpt-6-sol'],
    ['no max_tokens', { max_tokens: undefined }, 400, 'invalid_request_error', 'max_tokens: Field required'],
    ['too many max_tokens', { max_tokens: 1e6 }, 400, 'invalid_request_error', 'max_tokens: 1000000 > 128000'],
    ['an empty list', { messages: [] }, 400, 'invalid_request_error', 'messages: '],
    [
      'a prompt too long',
      { model: 'claude-haiku-4-5', system: 'la '.repeat(200_001) },
      400,
      'invalid_request_error',
      'prompt is too long',
    ],
  ])('has the shape of the provider for %s', async (_, changes, status, type, message) => {
    const response = await post(simulator, '/v1/messages', body('Hello', changes));
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({
      type: 'error',
      error: { type, message: expect.stringContaining(message) as string },
      request_id: response.headers.get('request-id'),
    });
  });

  it('wants a key and a version', async () => {
    const send = (headers: Record<string, string>) =>
      fetch(`${simulator.baseUrl}/v1/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body('Hello')),
      });
    expect((await send({ 'anthropic-version': '2023-06-01' })).status).toBe(401);
    expect((await send({ 'x-api-key': 'k' })).status).toBe(400);
    expect((await send({ 'x-api-key': 'k', 'anthropic-version': '2023-06-01' })).status).toBe(200);
  });
});

describe('count_tokens', () => {
  it('counts the input that the message will be charged for', async () => {
    await post(simulator, '/sim/reset', {});
    const { max_tokens: _, ...request } = body('Write about bridges', { system: 'Be brief.', tools: [tool] }) as Record<
      string,
      unknown
    >;
    const counted = await post(simulator, '/v1/messages/count_tokens', request);
    const { usage } = await ask('Write about bridges', { system: 'Be brief.', tools: [tool] });
    expect(await counted.json()).toEqual({ input_tokens: usage['input_tokens'] });
  });

  it('does not know every model', async () => {
    const response = await post(simulator, '/v1/messages/count_tokens', body('x', { model: 'claude-0' }));
    expect(response.status).toBe(404);
  });
});
