import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { createParser } from 'eventsource-parser';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestApp, startTestProviders, type TestApp, type TestProviders } from '../support/app.ts';
import {
  hasOpenAiDescription,
  loadOpenAiDescription,
  type OpenAiDescription,
  openAiDescriptionFile,
} from '../support/openai-description.ts';
import { pixelUrl, remoteImage, replySchema, time, twoQuestions, weather } from './clients/subjects.ts';
import { capital, getJson, postJson } from './requests.ts';
import { answerJson, beginStream, event, startUpstream, type Upstream } from './upstream.ts';

type Json = Record<string, unknown>;

interface Recorder {
  baseUrl: string;
  requests: { path: string; body: Json }[];
  stop(): Promise<void>;
}

/** Hands requests on to the simulated provider, and keeps what they say. */
async function startRecorder(target: string): Promise<Recorder> {
  const requests: Recorder['requests'] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const { method = 'GET', url = '/', headers } = request;
      const bytes = await buffer(request);
      if (method === 'POST') requests.push({ path: url, body: JSON.parse(bytes.toString('utf8')) as Json });
      const answer = await fetch(target + url, {
        method,
        headers: { 'content-type': 'application/json', authorization: headers.authorization ?? '' },
        ...(method === 'POST' ? { body: bytes } : {}),
      });
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
      try {
        for await (const chunk of answer.body ?? []) response.write(chunk);
        response.end();
      } catch {
        response.destroy();
      }
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    requests,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

let providers: TestProviders;
let recorder: Recorder;
let thinker: Upstream;
let app: TestApp;
let description: OpenAiDescription;

/** Whom a request is for, and whether it is sent on in OpenAI's dialect, where the recorder sees it. */
const targets = [
  ['passed through', 'recorded/gpt-6-sol', true],
  ['of an OpenAI dialect without responses', 'compatible/gpt-6-sol', true],
  ['translated from Anthropic', 'anthropic/claude-sonnet-5', false],
] as const;

const parameters = weather.schema;
const chatTools = [weather, time].map(({ name, description: about }) => ({
  type: 'function',
  function: { name, description: about, parameters, strict: true },
}));
const responseTools = [weather, time].map(({ name, description: about }) => ({
  type: 'function',
  name,
  description: about,
  parameters,
  strict: true,
}));
const messageTools = [weather, time].map(({ name, description: about }) => ({
  name,
  description: about,
  input_schema: parameters,
}));

const user = (content: unknown): Json => ({ role: 'user', content });

const chatRequests: ReadonlyArray<readonly [string, Json]> = [
  ['text', { messages: [{ role: 'system', content: 'Be brief.' }, user(capital)], max_completion_tokens: 500 }],
  ['settings', { messages: [user(capital)], temperature: 0.5, top_p: 0.9, stop: ['.'], seed: 1, user: 'u' }],
  ['too few tokens', { messages: [user('Write about bridges')], max_tokens: 3 }],
  ['tool calls', { messages: [user(twoQuestions)], tools: chatTools, parallel_tool_calls: true }],
  ['a forced tool call', { messages: [user(capital)], tools: chatTools, tool_choice: 'required' }],
  [
    'the result of a tool',
    {
      messages: [
        user(twoQuestions),
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Oslo"}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'call_1', content: 'Sleet' },
      ],
      tools: chatTools,
    },
  ],
  [
    'a schema',
    {
      messages: [user(capital)],
      response_format: { type: 'json_schema', json_schema: { name: 'reply', strict: true, schema: replySchema } },
    },
  ],
  ['any JSON', { messages: [user(capital)], response_format: { type: 'json_object' } }],
  [
    'images',
    {
      messages: [
        user([
          { type: 'text', text: 'What is this?' },
          { type: 'image_url', image_url: { url: pixelUrl } },
          { type: 'image_url', image_url: { url: remoteImage } },
        ]),
      ],
    },
  ],
];

const responseRequests: ReadonlyArray<readonly [string, Json]> = [
  ['text', { input: capital, instructions: 'Be brief.', max_output_tokens: 500 }],
  ['settings', { input: [user(capital)], temperature: 0.5, top_p: 0.9, metadata: { team: 'a' }, truncation: 'auto' }],
  ['too few tokens', { input: 'Write about bridges', max_output_tokens: 16 }],
  ['tool calls', { input: twoQuestions, tools: responseTools, parallel_tool_calls: true }],
  [
    'the result of a tool',
    {
      input: [
        user(twoQuestions),
        { type: 'function_call', call_id: 'call_1', name: 'get_weather', arguments: '{"city":"Oslo"}' },
        { type: 'function_call_output', call_id: 'call_1', output: 'Sleet' },
      ],
      tools: responseTools,
    },
  ],
  [
    'a schema',
    { input: capital, text: { format: { type: 'json_schema', name: 'reply', strict: true, schema: replySchema } } },
  ],
  ['any JSON', { input: capital, text: { format: { type: 'json_object' } } }],
  [
    'images',
    {
      input: [
        user([
          { type: 'input_text', text: 'What is this?' },
          { type: 'input_image', image_url: pixelUrl, detail: 'auto' },
          { type: 'input_image', image_url: remoteImage, detail: 'auto' },
        ]),
      ],
    },
  ],
];

const messageRequests: ReadonlyArray<readonly [string, Json]> = [
  ['text', { system: 'Be brief.', messages: [user(capital)], temperature: 0.5, top_k: 3, stop_sequences: ['.'] }],
  ['blocks', { system: [{ type: 'text', text: 'Be brief.' }], messages: [user([{ type: 'text', text: capital }])] }],
  ['thinking', { messages: [user(capital)], thinking: { type: 'enabled', budget_tokens: 1024 }, max_tokens: 2000 }],
  [
    'tools',
    {
      messages: [user(twoQuestions)],
      tools: messageTools,
      tool_choice: { type: 'auto', disable_parallel_tool_use: true },
    },
  ],
  ['a named tool', { messages: [user(capital)], tools: messageTools, tool_choice: { type: 'tool', name: 'get_time' } }],
  [
    'results of tools, one with an image',
    {
      tools: messageTools,
      messages: [
        user(twoQuestions),
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'Hm.', signature: 'c2ln' },
            { type: 'text', text: 'Let me see.' },
            { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: { city: 'Oslo' } },
            { type: 'tool_use', id: 'toolu_2', name: 'get_time', input: {} },
          ],
        },
        user([
          { type: 'tool_result', tool_use_id: 'toolu_1', content: 'Sleet' },
          {
            type: 'tool_result',
            tool_use_id: 'toolu_2',
            content: [{ type: 'image', source: { type: 'url', url: remoteImage } }],
          },
          { type: 'text', text: 'So?' },
        ]),
      ],
    },
  ],
  [
    'images and documents',
    {
      messages: [
        user([
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGVsbG8=' } },
          { type: 'image', source: { type: 'url', url: remoteImage } },
          { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'aGVsbG8=' } },
          { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Hello' } },
        ]),
      ],
    },
  ],
  ['a schema', { messages: [user(capital)], output_config: { format: { type: 'json_schema', schema: replySchema } } }],
];

const ask = (route: string, body: Json): Promise<Response> => postJson(`${app.url('router')}/v1${route}`, body);

async function askWhole(route: string, body: Json): Promise<Json> {
  const response = await ask(route, body);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status}: ${text}`);
  return JSON.parse(text) as Json;
}

/** The events of a stream without its `[DONE]`. */
async function askStream(route: string, body: Json): Promise<Json[]> {
  const response = await ask(route, { ...body, stream: true });
  const events: Json[] = [];
  const parser = createParser({
    onEvent: ({ data }) => {
      if (data !== '[DONE]') events.push(JSON.parse(data) as Json);
    },
  });
  parser.feed(await response.text());
  expect(events.length).toBeGreaterThan(2);
  return events;
}

const schemaOfRequest: Record<string, string> = {
  '/v1/chat/completions': 'CreateChatCompletionRequest',
  '/v1/responses': 'CreateResponse',
  '/v1/embeddings': 'CreateEmbeddingRequest',
};

/** What the provider of the OpenAI dialect was sent by this test. */
function upstreamRequests(): { count: number; problems: string[] } {
  const problems = recorder.requests.flatMap(({ path, body }) =>
    description.problems(schemaOfRequest[path] ?? path, body).map((problem) => `${path}: ${problem}`),
  );
  return { count: recorder.requests.length, problems };
}

if (!hasOpenAiDescription) {
  process.stderr.write(
    `skipped: nothing is validated, for OpenAI's API description is not at ${openAiDescriptionFile}\n`,
  );
}

describe.skipIf(!hasOpenAiDescription)(
  'by OpenAI’s API description (skipped where it does not lie beside the repository)',
  () => {
    beforeAll(async () => {
      description = loadOpenAiDescription();
      providers = await startTestProviders();
      recorder = await startRecorder(providers.baseUrl);
      thinker = await startUpstream({ name: 'thinker', kind: 'anthropic' });
      const recorded = `${recorder.baseUrl}/v1`;
      app = await startTestApp({
        config: {
          providers: [
            { name: 'recorded', kind: 'openai', base_url: recorded, api_key: 'sk-recorded' },
            {
              name: 'compatible',
              kind: 'openai-compatible',
              base_url: recorded,
              api_key: 'sk-recorded',
              passes: ['chat'],
            },
            { name: 'anthropic', kind: 'anthropic', base_url: `${providers.baseUrl}/v1` },
            thinker.provider,
          ],
          retries: { same_model: 0 },
        },
      });
    });
    afterAll(async () => {
      await app?.stop();
      await thinker?.stop();
      await recorder?.stop();
      await providers?.stop();
    });
    beforeEach(async () => {
      await providers.reset();
      recorder.requests.length = 0;
    });

    it('an answer that is wrong is not valid', async () => {
      const answer = await askWhole('/chat/completions', { model: targets[0][1], messages: [user(capital)] });
      expect(
        description.problems('CreateChatCompletionResponse', { ...answer, choices: [{ index: '0' }] }),
      ).not.toEqual([]);
      expect(description.problemsOfEvent({ type: 'response.unheard_of' })).not.toEqual([]);
    });

    describe.each(targets)('chat completions %s', (_, model, isRecorded) => {
      it.each(chatRequests)('with %s are valid, at once and streamed', async (__, request) => {
        const body = { model, ...request };
        expect(description.problems('CreateChatCompletionRequest', body)).toEqual([]);
        expect(description.problems('CreateChatCompletionResponse', await askWhole('/chat/completions', body))).toEqual(
          [],
        );
        for (const stream_options of [undefined, { include_usage: true }]) {
          for (const chunk of await askStream('/chat/completions', { ...body, stream_options })) {
            expect(description.problems('CreateChatCompletionStreamResponse', chunk)).toEqual([]);
          }
        }
        expect(upstreamRequests()).toEqual({ count: isRecorded ? 3 : 0, problems: [] });
      });
    });

    describe.each(targets)('responses %s', (_, model, isRecorded) => {
      it.each(responseRequests)('with %s are valid, at once and streamed', async (__, request) => {
        const body = { model, ...request };
        expect(description.problems('Response', await askWhole('/responses', body))).toEqual([]);
        for (const streamed of await askStream('/responses', body)) {
          expect(description.problemsOfEvent(streamed)).toEqual([]);
        }
        expect(upstreamRequests()).toEqual({ count: isRecorded ? 2 : 0, problems: [] });
      });
    });

    describe('tools of responses that say no more than they must', () => {
      const bare = { input: twoQuestions, tools: [{ type: 'function', name: 'get_weather' }], tool_choice: 'required' };

      it.each(targets)('are valid in the answer, %s', async (_, model) => {
        const body = { model, ...bare };
        expect(description.problems('Response', await askWhole('/responses', body))).toEqual([]);
        for (const streamed of await askStream('/responses', body)) {
          expect(description.problemsOfEvent(streamed)).toEqual([]);
        }
      });

      it('are valid in the translated request', async () => {
        await askWhole('/responses', { model: targets[1][1], ...bare });
        expect(upstreamRequests()).toEqual({ count: 1, problems: [] });
      });
    });

    describe.each(targets.slice(0, 2))('messages for a provider of the OpenAI dialect, %s', (_, model) => {
      it.each(messageRequests)('with %s are valid requests there', async (__, request) => {
        const body = { model, max_tokens: 1000, ...request };
        await askWhole('/messages', body);
        await askStream('/messages', body);
        expect(upstreamRequests()).toEqual({ count: 2, problems: [] });
      });
    });

    it('reasoning of a model of Anthropic is valid', async () => {
      const content = [
        { type: 'thinking', thinking: 'Hm.', signature: 'c2ln' },
        { type: 'text', text: 'Yes.' },
      ];
      const head = { id: 'msg_1', type: 'message', role: 'assistant', model: 'thinker-1', stop_sequence: null };
      const usage = { input_tokens: 3, output_tokens: 5, cache_read_input_tokens: 2, cache_creation_input_tokens: 1 };
      thinker.answer = (response, { body }) => {
        if (!body.includes('"stream":true')) {
          answerJson(response, { ...head, content, stop_reason: 'end_turn', usage });
          return;
        }
        beginStream(response);
        const blocks = [
          [
            { type: 'thinking', thinking: '', signature: '' },
            { type: 'thinking_delta', thinking: 'Hm.' },
            { type: 'signature_delta', signature: 'c2ln' },
          ],
          [
            { type: 'text', text: '' },
            { type: 'text_delta', text: 'Yes.' },
          ],
        ].flatMap(([start, ...deltas], index) => [
          { type: 'content_block_start', index, content_block: start },
          ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
          { type: 'content_block_stop', index },
        ]);
        const events = [
          { type: 'message_start', message: { ...head, content: [], stop_reason: null, usage } },
          ...blocks,
          { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage },
          { type: 'message_stop' },
        ];
        response.end(events.map(event).join(''));
      };
      const chat = { model: 'thinker-1', messages: [user('Hi')] };
      expect(description.problems('CreateChatCompletionResponse', await askWhole('/chat/completions', chat))).toEqual(
        [],
      );
      for (const chunk of await askStream('/chat/completions', chat)) {
        expect(description.problems('CreateChatCompletionStreamResponse', chunk)).toEqual([]);
      }
      const body = { model: 'thinker-1', input: 'Hi' };
      expect(description.problems('Response', await askWhole('/responses', body))).toEqual([]);
      for (const streamed of await askStream('/responses', body)) {
        expect(description.problemsOfEvent(streamed)).toEqual([]);
      }
    });

    it.each([{ input: 'A bridge' }, { input: ['one', 'two'] }, { input: [1, 2, 3] }, { input: 'x', dimensions: 8 }])(
      'embeddings of %o are valid',
      async (request) => {
        const body = { model: 'recorded/text-embedding-3-small', ...request };
        expect(description.problems('CreateEmbeddingResponse', await askWhole('/embeddings', body))).toEqual([]);
        expect(upstreamRequests()).toEqual({ count: 1, problems: [] });
      },
    );

    describe.each(targets)('errors %s', (_, model) => {
      it.each([
        ['/chat/completions', { messages: [user(7)] }, 400],
        [
          '/chat/completions',
          { messages: [user('x')], tools: [{ type: 'function', function: { name: 'not a name' } }] },
          400,
        ],
        ['/responses', { input: [{ role: 'king', content: 'x' }] }, 400],
        ['/responses', { input: 'x', tools: [{ type: 'function', name: 'not a name' }] }, 400],
        ['/embeddings', { input: [] }, 400],
      ])('of %s are valid', async (route, body, status) => {
        const response = await ask(route, { model, ...body });
        expect(response.status).toBe(status);
        expect(description.problems('ErrorResponse', await response.json())).toEqual([]);
      });

      it('of a provider that fails are valid', async () => {
        await providers.fail({ fault: 'http_500' });
        for (const [route, body] of [
          ['/chat/completions', { messages: [user('x')] }],
          ['/responses', { input: 'x' }],
        ] as const) {
          const response = await ask(route, { model, ...body });
          expect(response.status).toBe(502);
          expect(description.problems('ErrorResponse', await response.json())).toEqual([]);
        }
      });

      it('within a stream are valid', async () => {
        await providers.fail({ fault: 'cut:5' });
        const chat = await askStream('/chat/completions', { model, messages: [user('Write about bridges')] });
        expect(description.problems('ErrorResponse', chat.at(-1))).toEqual([]);
        for (const streamed of await askStream('/responses', { model, input: 'Write about bridges' })) {
          expect(description.problemsOfEvent(streamed)).toEqual([]);
        }
      });
    });

    it('models, all and one, are valid', async () => {
      const models = `${app.url('router')}/v1/models`;
      expect(description.problems('ListModelsResponse', await getJson(models))).toEqual([]);
      expect(description.problems('Model', await getJson(`${models}/auto`))).toEqual([]);
    });

    it('a model that nobody has is a valid error', async () => {
      const response = await ask('/chat/completions', { model: 'gpt-0', messages: [user('x')] });
      expect(response.status).toBe(404);
      expect(description.problems('ErrorResponse', await response.json())).toEqual([]);
    });
  },
);
