import Anthropic from '@anthropic-ai/sdk';
import { type OpenAI, toFile } from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openAiClient, startTestApp, type TestApp } from '../../support/app.ts';
import type { KeyWithSecret } from '../../../src/contracts/keys.ts';
import { collect, patience, postJson, user } from '../requests.ts';
import {
  answerJson,
  beginStream,
  chunk,
  completion,
  event,
  type Received,
  startUpstream,
  type Upstream,
} from '../upstream.ts';

/** What providers of either dialect are sent and may answer, to the last field; the test writes their answers itself. */

let openai: Upstream;
let anthropic: Upstream;
let app: TestApp;
let openaiClient: OpenAI;
let anthropicClient: Anthropic;

beforeAll(async () => {
  const passes = ['chat', 'responses', 'embeddings', 'images', 'audio', 'moderations'];
  openai = await startUpstream({ more: { passes } });
  anthropic = await startUpstream({ name: 'claude', kind: 'anthropic' });
  app = await startTestApp({
    config: {
      providers: [openai.provider, anthropic.provider],
      retries: { same_model: 0 },
      routing: { aliases: { mine: ['claude/claude-1'] } },
    },
  });
  openaiClient = openAiClient(app.url('router'));
  anthropicClient = new Anthropic({ baseURL: app.url('router'), apiKey: 'sk-client', maxRetries: 0, logLevel: 'off' });
});
afterAll(async () => {
  await app.stop();
  await openai.stop();
  await anthropic.stop();
});
beforeEach(() => {
  openai.answer = (response) => answerJson(response, completion('ok'));
  anthropic.answer = (response) => answerJson(response, message([{ type: 'text', text: 'ok' }]));
});

function received(upstream: Upstream): Received & { json: Record<string, unknown> } {
  const last = upstream.requests.at(-1);
  if (last === undefined) throw new Error('the provider was sent nothing');
  return { ...last, json: JSON.parse(last.body) as Record<string, unknown> };
}

function message(content: unknown[], stopReason = 'end_turn'): Record<string, unknown> {
  return {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-1',
    content,
    stop_reason: stopReason,
    stop_sequence: null,
    usage: { input_tokens: 11, output_tokens: 7 },
  };
}

const response = {
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  status: 'completed',
  model: 'raw-1',
  output: [
    {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'ok', annotations: [] }],
    },
  ],
  usage: { input_tokens: 11, output_tokens: 7, total_tokens: 18 },
  some_new_field: { kept: 1.0 },
};

function named(data: { type: string } & Record<string, unknown>): string {
  return `event: ${data.type}\n${event(data)}`;
}

const unknown = { some_new_parameter: { deep: [1, null, 'é'] }, metadata: { team: 'a' } };

describe('what the router does not know passes to a provider of the same dialect', () => {
  it('in chat completions', async () => {
    const body = { seed: 7, logprobs: true, top_logprobs: 2, store: false, ...unknown };
    await openaiClient.chat.completions.create({
      model: 'raw-1',
      messages: user('Hi'),
      ...body,
    } as OpenAI.ChatCompletionCreateParamsNonStreaming);
    expect(received(openai)).toMatchObject({ path: '/v1/chat/completions' });
    expect(received(openai).json).toEqual({ model: 'raw-1', messages: user('Hi'), ...body });
  });

  it('in responses, and so does all of the answer', async () => {
    openai.answer = (reply) => answerJson(reply, response);
    const body = { input: 'Hi', include: ['reasoning.encrypted_content'], store: false, ...unknown };
    const answer = await openaiClient.responses.create({
      model: 'raw-1',
      ...body,
    } as OpenAI.Responses.ResponseCreateParamsNonStreaming);
    expect(received(openai).path).toBe('/v1/responses');
    expect(received(openai).json).toEqual({ model: 'raw-1', ...body });
    expect(answer).toMatchObject(response);
    expect(answer.output_text).toBe('ok');
  });

  it('in a stream of responses, byte for byte', async () => {
    const bytes =
      named({ type: 'response.created', response: { ...response, status: 'in_progress' }, sequence_number: 0 }) +
      named({ type: 'response.some_new_event', sequence_number: 1 }) +
      named({
        type: 'response.output_text.delta',
        item_id: 'msg_1',
        output_index: 0,
        content_index: 0,
        delta: 'ok',
        sequence_number: 2,
      }) +
      named({ type: 'response.completed', response, sequence_number: 3 });
    openai.answer = (reply) => {
      beginStream(reply);
      reply.end(bytes);
    };
    const answer = await postJson(`${app.url('router')}/v1/responses`, { model: 'raw-1', input: 'Hi', stream: true });
    expect(await answer.text()).toBe(bytes);
    const events = await collect(await openaiClient.responses.create({ model: 'raw-1', input: 'Hi', stream: true }));
    expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { output: response.output } });
  });

  it('in embeddings', async () => {
    openai.answer = (reply) =>
      answerJson(reply, {
        object: 'list',
        model: 'raw-1',
        data: [{ object: 'embedding', index: 0, embedding: [0.5, -1] }],
        usage: { prompt_tokens: 2, total_tokens: 2 },
      });
    const { data } = await openaiClient.embeddings.create({
      model: 'raw-1',
      input: 'Hi',
      encoding_format: 'float',
      ...unknown,
    });
    expect(data[0]?.embedding).toEqual([0.5, -1]);
    expect(received(openai).json).toEqual({ model: 'raw-1', input: 'Hi', encoding_format: 'float', ...unknown });
  });

  it('in messages, with the betas that the client asks for', async () => {
    const body = {
      max_tokens: 100,
      messages: [{ role: 'user' as const, content: 'Hi' }],
      thinking: { type: 'enabled' as const, budget_tokens: 1024 },
      some_new_parameter: unknown.some_new_parameter,
    };
    await anthropicClient.beta.messages.create(
      { model: 'claude/claude-1', ...body, betas: ['new-thing-2026-01-01'] },
      { query: { beta: 'true' } },
    );
    const { path, headers, json } = received(anthropic);
    expect(path).toBe('/v1/messages?beta=true');
    expect(headers).toMatchObject({
      'anthropic-beta': 'new-thing-2026-01-01',
      'anthropic-version': expect.any(String),
    });
    expect(json).toEqual({ model: 'claude-1', ...body });
    await anthropicClient.beta.messages.countTokens({
      model: 'claude-1',
      messages: body.messages,
      betas: ['new-thing-2026-01-01'],
    });
    expect(received(anthropic)).toMatchObject({
      path: expect.stringContaining('/v1/messages/count_tokens'),
      headers: { 'anthropic-beta': expect.stringContaining('new-thing-2026-01-01') },
    });
  });

  it('in a count of tokens by a key that may use a name of the operator’s alone', async () => {
    const made = await postJson(`${app.url('central')}/keys`, { name: 'code', models: ['mine'] });
    const { key } = (await made.json()) as KeyWithSecret;
    anthropic.answer = (reply) => answerJson(reply, { input_tokens: 42 });
    const count = async (model: string): Promise<number> => {
      const body = { model, messages: user('Hi') };
      return (await postJson(`${app.url('router')}/v1/messages/count_tokens`, body, { 'x-api-key': key })).status;
    };
    await expect.poll(() => count('mine'), patience).toBe(200);
    expect(received(anthropic).json).toMatchObject({ model: 'claude-1' });
    expect(await count('claude/claude-1')).toBe(403);
  });

  it('in images, with its answer', async () => {
    const image = { created: 1, data: [{ b64_json: 'aGVsbG8=' }], some_new_field: 1 };
    openai.answer = (reply) => answerJson(reply, image);
    expect(await openaiClient.images.generate({ model: 'raw-1', prompt: 'A bridge', n: 1 })).toMatchObject(image);
    expect(received(openai)).toMatchObject({
      path: '/v1/images/generations',
      json: { model: 'raw-1', prompt: 'A bridge', n: 1 },
    });
  });

  it('in audio that comes and in audio that goes', async () => {
    const sound = Buffer.from([0, 255, 1, 254, 13, 10]);
    openai.answer = (reply) => {
      reply.writeHead(200, { 'content-type': 'audio/mpeg' });
      reply.end(sound);
    };
    const speech = await openaiClient.audio.speech.create({ model: 'raw-1', voice: 'alloy', input: 'Hello' });
    expect(speech.headers.get('content-type')).toBe('audio/mpeg');
    expect(Buffer.from(await speech.arrayBuffer()).equals(sound)).toBe(true);

    openai.answer = (reply) => answerJson(reply, { text: 'Hello' });
    const file = await toFile(Buffer.from('RIFF'), 'hello.wav', { type: 'audio/wav' });
    const transcription = await openaiClient.audio.transcriptions.create({ model: 'raw/raw-1', file });
    expect(transcription.text).toBe('Hello');
    const { path, headers, body } = openai.requests.at(-1) ?? { path: '', headers: {}, body: '' };
    expect([path, headers['content-type']]).toEqual([
      '/v1/audio/transcriptions',
      expect.stringContaining('multipart/form-data'),
    ]);
    expect(body).toContain('RIFF');
    expect(body).toMatch(/name="model"\r\n\r\nraw-1\r\n/);
  });
});

describe('reasoning of a model of Anthropic', () => {
  const thinking = { type: 'thinking', thinking: 'Let me see.', signature: 'c2lnbmVk' };
  const call = { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: { city: 'Oslo' } };
  const tools: OpenAI.ChatCompletionFunctionTool[] = [
    { type: 'function', function: { name: 'get_weather', parameters: { type: 'object' } } },
  ];

  /** What a delta has that OpenAI's own do not. */
  type ReasoningDelta = OpenAI.ChatCompletionChunk.Choice.Delta & {
    reasoning_content?: string;
    reasoning_details?: { text?: string }[];
  };

  function streamThinking(): void {
    anthropic.answer = (reply) => {
      beginStream(reply);
      reply.end(
        [
          { type: 'message_start', message: { ...message([]), stop_reason: null } },
          { type: 'content_block_start', index: 0, content_block: { ...thinking, thinking: '', signature: '' } },
          { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Let me ' } },
          { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'see.' } },
          { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: thinking.signature } },
          { type: 'content_block_stop', index: 0 },
          { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
          { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Oslo.' } },
          { type: 'content_block_stop', index: 1 },
          {
            type: 'message_delta',
            delta: { stop_reason: 'end_turn', stop_sequence: null },
            usage: { output_tokens: 9 },
          },
          { type: 'message_stop' },
        ]
          .map(named)
          .join(''),
      );
    };
  }

  it('is asked for by its effort', async () => {
    await openaiClient.chat.completions.create({ model: 'claude-1', messages: user('Hi'), reasoning_effort: 'high' });
    expect(received(anthropic).json).toMatchObject({ thinking: { type: 'enabled', budget_tokens: 24_576 } });
    await openaiClient.responses.create({ model: 'claude-1', input: 'Hi', reasoning: { effort: 'low' } });
    expect(received(anthropic).json).toMatchObject({ thinking: { type: 'enabled', budget_tokens: 2048 } });
  });

  it('is reasoning_content in chat completions, and its signature finds its way back', async () => {
    anthropic.answer = (reply) => answerJson(reply, message([thinking, call], 'tool_use'));
    const { choices } = await openaiClient.chat.completions.create({ model: 'claude-1', messages: user('Hi'), tools });
    const answer = choices[0]?.message;
    expect(answer).toMatchObject({
      content: null,
      reasoning_content: 'Let me see.',
      reasoning_details: [{ type: 'reasoning.text', text: 'Let me see.', signature: 'c2lnbmVk' }],
    });
    if (answer === undefined) throw new Error('no answer');
    const result = { role: 'tool' as const, tool_call_id: 'toolu_1', content: 'Sleet' };
    await openaiClient.chat.completions.create({
      model: 'claude-1',
      messages: [...user('Hi'), answer, result],
      tools,
      reasoning_effort: 'low',
    });
    expect(received(anthropic).json['messages']).toMatchObject([
      { role: 'user' },
      { role: 'assistant', content: [thinking, call] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'Sleet' }] },
    ]);
  });

  it('is streamed so, and finds its way back from the pieces', async () => {
    streamThinking();
    const stream = await openaiClient.chat.completions.create({
      model: 'claude-1',
      messages: user('Hi'),
      stream: true,
    });
    const deltas = (await collect(stream)).map(({ choices }): ReasoningDelta => choices[0]?.delta ?? {});
    expect(deltas.map((delta) => delta.reasoning_content ?? '').join('')).toBe('Let me see.');
    expect(deltas.map((delta) => delta.content ?? '').join('')).toBe('Oslo.');
    const details = deltas.flatMap((delta) => delta.reasoning_details ?? []);
    expect(details.map(({ text }) => text).join('')).toBe('Let me see.');

    anthropic.answer = (reply) => answerJson(reply, message([]));
    const answer = { role: 'assistant' as const, content: 'Oslo.', reasoning_details: details };
    await openaiClient.chat.completions.create({
      model: 'claude-1',
      messages: [...user('Hi'), answer, ...user('And?')],
      reasoning_effort: 'low',
    });
    expect(received(anthropic).json['messages']).toMatchObject([
      { role: 'user' },
      { role: 'assistant', content: [thinking, { type: 'text', text: 'Oslo.' }] },
      { role: 'user' },
    ]);
  });

  it('that is hidden finds its way back too', async () => {
    const hidden = { type: 'redacted_thinking', data: 'aGlkZGVu' };
    anthropic.answer = (reply) => answerJson(reply, message([hidden, call], 'tool_use'));
    const { choices } = await openaiClient.chat.completions.create({ model: 'claude-1', messages: user('Hi'), tools });
    const answer = choices[0]?.message;
    if (answer === undefined) throw new Error('no answer');
    await openaiClient.chat.completions.create({
      model: 'claude-1',
      messages: [...user('Hi'), answer, { role: 'tool', tool_call_id: 'toolu_1', content: 'Sleet' }],
      tools,
      reasoning_effort: 'low',
    });
    expect(received(anthropic).json['messages']).toMatchObject([{}, { content: [hidden, call] }, {}]);
  });

  it('is a reasoning item in responses', async () => {
    anthropic.answer = (reply) => answerJson(reply, message([thinking, { type: 'text', text: 'Oslo.' }]));
    const { output, output_text } = await openaiClient.responses.create({ model: 'claude-1', input: 'Hi' });
    expect(output_text).toBe('Oslo.');
    expect(output).toMatchObject([
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Let me see.' }] },
      { type: 'message' },
    ]);
    streamThinking();
    const events = await collect(await openaiClient.responses.create({ model: 'claude-1', input: 'Hi', stream: true }));
    const text = events
      .map((each) => (each.type === 'response.reasoning_summary_text.delta' ? each.delta : ''))
      .join('');
    expect(text).toBe('Let me see.');
  });

  it('passes through messages as it is', async () => {
    streamThinking();
    const stream = anthropicClient.messages.stream({
      model: 'claude-1',
      max_tokens: 5000,
      thinking: { type: 'enabled', budget_tokens: 1024 },
      messages: [{ role: 'user', content: 'Hi' }],
    });
    const { content } = await stream.finalMessage();
    expect(content).toMatchObject([thinking, { type: 'text', text: 'Oslo.' }]);
  });
});

describe('reasoning of a model of the OpenAI dialect', () => {
  const answered = {
    ...completion(''),
    choices: [
      {
        index: 0,
        finish_reason: 'stop',
        message: { role: 'assistant', content: 'Oslo.', reasoning_content: 'Let me see.' },
      },
    ],
  };

  it('is asked for by a budget', async () => {
    await anthropicClient.messages.create({
      model: 'raw-1',
      max_tokens: 20_000,
      thinking: { type: 'enabled', budget_tokens: 16_384 },
      messages: [{ role: 'user', content: 'Hi' }],
    });
    expect(received(openai).json).toMatchObject({ reasoning_effort: 'high', max_tokens: 20_000 });
  });

  it('is a thinking block in messages, which is sent back as it came', async () => {
    openai.answer = (reply) => answerJson(reply, answered);
    const ask = (messages: Anthropic.MessageParam[]) =>
      anthropicClient.messages.create({ model: 'raw-1', max_tokens: 100, messages });
    const { content } = await ask([{ role: 'user', content: 'Hi' }]);
    expect(content).toMatchObject([
      { type: 'thinking', thinking: 'Let me see.' },
      { type: 'text', text: 'Oslo.' },
    ]);
    await ask([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content },
      { role: 'user', content: 'And?' },
    ]);
    expect(received(openai).json['messages']).toMatchObject([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Oslo.', reasoning_content: 'Let me see.' },
      { role: 'user', content: 'And?' },
    ]);
  });

  it('is streamed as thinking', async () => {
    openai.answer = (reply) => {
      beginStream(reply);
      const deltas = [{ reasoning_content: 'Let me ' }, { reasoning_content: 'see.' }, { content: 'Oslo.' }];
      reply.end([...deltas.map((delta) => chunk(delta)), chunk({}, 'stop'), '[DONE]'].map(event).join(''));
    };
    const stream = anthropicClient.messages.stream({
      model: 'raw-1',
      max_tokens: 100,
      messages: [{ role: 'user', content: 'Hi' }],
    });
    let thoughts = '';
    stream.on('thinking', (delta) => (thoughts += delta));
    expect((await stream.finalMessage()).content).toMatchObject([
      { type: 'thinking', thinking: 'Let me see.' },
      { type: 'text', text: 'Oslo.' },
    ]);
    expect(thoughts).toBe('Let me see.');
  });
});

describe('calls that the OpenAI dialect mixes in its stream', () => {
  const call = (index: number, more: Record<string, unknown>, text: string): Record<string, unknown> =>
    chunk({
      tool_calls: [
        {
          index,
          ...more,
          function: { ...(more['id'] === undefined ? {} : { name: `tool_${index}` }), arguments: text },
        },
      ],
    });

  beforeEach(() => {
    openai.answer = (reply) => {
      beginStream(reply);
      reply.end(
        [
          call(0, { id: 'call_a', type: 'function' }, '{"x"'),
          call(1, { id: 'call_b', type: 'function' }, '{"y"'),
          call(0, {}, ':1}'),
          call(1, {}, ':2}'),
          chunk({}, 'tool_calls'),
          '[DONE]',
        ]
          .map(event)
          .join(''),
      );
    };
  });

  it('come one after the other in messages', async () => {
    const stream = anthropicClient.messages.stream({
      model: 'raw-1',
      max_tokens: 100,
      messages: [{ role: 'user', content: 'Hi' }],
    });
    expect((await stream.finalMessage()).content).toMatchObject([
      { type: 'tool_use', id: 'call_a', name: 'tool_0', input: { x: 1 } },
      { type: 'tool_use', id: 'call_b', name: 'tool_1', input: { y: 2 } },
    ]);
  });
});

describe('results of calls that were made at once', () => {
  const calls = ['weather', 'time'].map((name) => ({ id: `call_${name}`, name, result: `result of ${name}` }));
  const input = { city: 'Oslo' };
  const json = JSON.stringify(input);

  const inMessages = [
    {
      role: 'assistant' as const,
      content: calls.map(({ id, name }) => ({ type: 'tool_use' as const, id, name, input })),
    },
    {
      role: 'user' as const,
      content: calls.map(({ id, result }) => ({ type: 'tool_result' as const, tool_use_id: id, content: result })),
    },
  ];

  it('of chat completions are blocks of one message of Anthropic', async () => {
    await openaiClient.chat.completions.create({
      model: 'claude-1',
      messages: [
        ...user('Hi'),
        {
          role: 'assistant',
          tool_calls: calls.map(({ id, name }) => ({
            id,
            type: 'function',
            function: { name, arguments: json },
          })),
        },
        ...calls.map(({ id, result }) => ({ role: 'tool' as const, tool_call_id: id, content: result })),
      ],
    });
    expect(received(anthropic).json['messages']).toMatchObject([{ role: 'user' }, ...inMessages]);
  });

  it('of responses are blocks of one message of Anthropic', async () => {
    await openaiClient.responses.create({
      model: 'claude-1',
      input: [
        { role: 'user', content: 'Hi' },
        ...calls.map(({ id, name }) => ({
          type: 'function_call' as const,
          call_id: id,
          name,
          arguments: json,
        })),
        ...calls.map(({ id, result }) => ({ type: 'function_call_output' as const, call_id: id, output: result })),
      ],
    });
    expect(received(anthropic).json['messages']).toMatchObject([{ role: 'user' }, ...inMessages]);
  });

  it('of messages are messages of their own in the OpenAI dialect', async () => {
    await anthropicClient.messages.create({
      model: 'raw-1',
      max_tokens: 100,
      messages: [{ role: 'user', content: 'Hi' }, ...inMessages],
    });
    expect(received(openai).json['messages']).toMatchObject([
      { role: 'user', content: 'Hi' },
      {
        role: 'assistant',
        tool_calls: calls.map(({ id, name }) => ({ id, function: { name, arguments: json } })),
      },
      ...calls.map(({ id, result }) => ({ role: 'tool', tool_call_id: id, content: result })),
    ]);
  });
});

describe('the image that a tool gave back', () => {
  const image = {
    type: 'image' as const,
    source: { type: 'base64' as const, media_type: 'image/png' as const, data: 'aGVsbG8=' },
  };
  const picture = { type: 'image_url', image_url: { url: 'data:image/png;base64,aGVsbG8=' } };

  it('follows the results in a message of the user', async () => {
    await anthropicClient.messages.create({
      model: 'raw-1',
      max_tokens: 100,
      messages: [
        { role: 'user', content: 'Look' },
        { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'look', input: {} }] },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'text', text: 'Here' }, image] },
            { type: 'text', text: 'So?' },
          ],
        },
      ],
    });
    expect(received(openai).json['messages']).toMatchObject([
      { role: 'user', content: 'Look' },
      { role: 'assistant', tool_calls: [{ id: 'toolu_1' }] },
      { role: 'tool', tool_call_id: 'toolu_1', content: expect.stringMatching(/^Here\n/) },
      { role: 'user', content: [picture] },
      { role: 'user', content: 'So?' },
    ]);
  });

  it('is an image in the result where the provider takes one', async () => {
    await openaiClient.responses.create({
      model: 'claude-1',
      input: [
        { role: 'user', content: 'Look' },
        { type: 'function_call', call_id: 'call_1', name: 'look', arguments: '{}' },
        {
          type: 'function_call_output',
          call_id: 'call_1',
          output: [
            { type: 'input_text', text: 'Here' },
            { type: 'input_image', image_url: picture.image_url.url, detail: 'auto' },
          ],
        },
      ],
    });
    expect(received(anthropic).json['messages']).toMatchObject([
      { role: 'user' },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'call_1' }] },
      { role: 'user', content: [{ type: 'tool_result', content: [{ type: 'text', text: 'Here' }, image] }] },
    ]);
  });
});

it('says which input a provider cannot take', async () => {
  const content = [
    { type: 'document' as const, source: { type: 'url' as const, url: 'https://example.com/a.pdf' } },
    { type: 'text' as const, text: 'Hi' },
  ];
  const request = anthropicClient.messages.create({
    model: 'raw-1',
    max_tokens: 100,
    messages: [{ role: 'user', content }],
  });
  await expect(request).rejects.toMatchObject({ status: 400, message: expect.stringContaining('PDF') });
});
