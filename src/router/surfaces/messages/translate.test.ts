import { describe, expect, it } from 'vitest';
import { readMessages } from './read.ts';
import { translateMessages } from './translate.ts';

const user = (content: unknown): object => ({ role: 'user', content });
const use = { type: 'tool_use', id: 'toolu_1', name: 'f', input: { a: 1 } };
const result = (more: object): object => ({ type: 'tool_result', tool_use_id: 'toolu_1', ...more });

const translate = (more: object) => translateMessages({ max_tokens: 100, messages: [user('Hi')], ...more });
const promptOf = (...messages: readonly object[]) => translate({ messages }).options.prompt;
const cache_control = { type: 'ephemeral' };
const providerOptions = { anthropic: { cacheControl: cache_control } };

describe('a messages request', () => {
  it('takes its settings along', () => {
    const { options, user: id } = translate({
      temperature: 0.5,
      top_p: 0.9,
      top_k: 4,
      stop_sequences: ['x'],
      metadata: { user_id: 'u' },
    });
    expect(options).toMatchObject({ temperature: 0.5, topP: 0.9, topK: 4, stopSequences: ['x'], maxOutputTokens: 100 });
    expect(id).toBe('u');
  });

  it.each([
    [{ thinking: { type: 'enabled', budget_tokens: 2000 } }, { effort: null, budgetTokens: 2000 }],
    [{ thinking: { type: 'adaptive' } }, { effort: 'medium', budgetTokens: null }],
    [
      { thinking: { type: 'adaptive' }, output_config: { effort: 'max' } },
      { effort: 'max', budgetTokens: null },
    ],
    [{ thinking: { type: 'disabled' } }, null],
    [{}, null],
  ])('asks for reasoning by %o', (more, expected) => {
    expect(translate(more).reasoning).toEqual(expected);
  });

  it.each([
    [{ type: 'auto' }, { type: 'auto' }, null],
    [{ type: 'none' }, { type: 'none' }, null],
    [{ type: 'any' }, { type: 'required' }, null],
    [{ type: 'tool', name: 'f', disable_parallel_tool_use: true }, { type: 'tool', toolName: 'f' }, false],
    [undefined, undefined, null],
  ])('chooses tools by %o', (tool_choice, toolChoice, parallelToolCalls) => {
    const translated = translate({ tools: [{ name: 'f', input_schema: { type: 'object' } }], tool_choice });
    expect(translated.options.toolChoice).toEqual(toolChoice);
    expect(translated.parallelToolCalls).toBe(parallelToolCalls);
  });

  it.each(['output_config', 'output_format'])('has the schema of its answer in %s', (place) => {
    const format = { type: 'json_schema', schema: { type: 'object' } };
    const { options, strictSchema } = translate({ [place]: place === 'output_config' ? { format } : format });
    expect(options.responseFormat).toEqual({ type: 'json', schema: { type: 'object' } });
    expect(strictSchema).toBe(true);
  });

  it('keeps the marks of caches', () => {
    const { options } = translate({
      system: [
        { type: 'text', text: 'A' },
        { type: 'text', text: 'B', cache_control },
      ],
      tools: [{ name: 'f', input_schema: {}, cache_control }],
      messages: [user([{ type: 'text', text: 'U', cache_control }])],
    });
    expect(options.prompt).toEqual([
      { role: 'system', content: 'A' },
      { role: 'system', content: 'B', providerOptions },
      { role: 'user', content: [{ type: 'text', text: 'U', providerOptions }] },
    ]);
    expect(options.tools).toMatchObject([{ name: 'f', providerOptions }]);
  });
});

describe('a message', () => {
  it('of the user holds the results of tools before all else', () => {
    const prompt = promptOf(
      { role: 'assistant', content: [{ type: 'text', text: 'Well' }, use] },
      user([{ type: 'text', text: 'And?' }, result({ content: 'Sleet' })]),
    );
    expect(prompt).toEqual([
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Well' },
          { type: 'tool-call', toolCallId: 'toolu_1', toolName: 'f', input: { a: 1 } },
        ],
      },
      {
        role: 'tool',
        content: [
          { type: 'tool-result', toolCallId: 'toolu_1', toolName: 'f', output: { type: 'text', value: 'Sleet' } },
        ],
      },
      { role: 'user', content: [{ type: 'text', text: 'And?' }] },
    ]);
  });

  it.each([
    [{}, { type: 'text', value: '' }],
    [
      {
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
      { type: 'text', value: 'a\nb' },
    ],
    [
      { content: 'No', is_error: true },
      { type: 'error-text', value: 'No' },
    ],
    [
      {
        content: [
          { type: 'text', text: 'a' },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
        ],
      },
      {
        type: 'content',
        value: [
          { type: 'text', text: 'a' },
          { type: 'image-data', data: 'aGk=', mediaType: 'image/png' },
        ],
      },
    ],
    [
      { content: [{ type: 'image', source: { type: 'url', url: 'https://a.example/b' } }] },
      { type: 'content', value: [{ type: 'image-url', url: 'https://a.example/b' }] },
    ],
  ])('has the result %o', (more, output) => {
    expect(promptOf({ role: 'assistant', content: [use] }, user([result(more)]))[1]).toMatchObject({
      role: 'tool',
      content: [{ output }],
    });
  });

  it.each([
    [
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
      { type: 'file', mediaType: 'image/png', data: 'aGk=' },
    ],
    [
      { type: 'image', source: { type: 'url', url: 'https://a.example/b' } },
      { type: 'file', mediaType: 'image/*', data: new URL('https://a.example/b') },
    ],
    [
      { type: 'document', title: 'T', source: { type: 'base64', media_type: 'application/pdf', data: 'aGk=' } },
      { type: 'file', mediaType: 'application/pdf', data: 'aGk=', filename: 'T' },
    ],
    [
      { type: 'document', source: { type: 'text', data: 'Hello' } },
      { type: 'text', text: 'Hello' },
    ],
  ])('holds %o', (block, part) => {
    expect(promptOf(user([block]))).toEqual([{ role: 'user', content: [part] }]);
  });

  it('gives thinking back with its signature', () => {
    const content = [
      { type: 'thinking', thinking: 'Hm', signature: 's' },
      { type: 'redacted_thinking', data: 'h' },
    ];
    expect(promptOf({ role: 'assistant', content })).toMatchObject([
      {
        content: [
          { type: 'reasoning', text: 'Hm', providerOptions: { anthropic: { signature: 's' } } },
          { type: 'reasoning', text: '', providerOptions: { anthropic: { redactedData: 'h' } } },
        ],
      },
    ]);
  });
});

describe('no translation has a messages request with', () => {
  const answer = { role: 'assistant', content: [use] };
  it.each([
    ['a system block without text', { system: [{ type: 'text' }] }, 'system[0]'],
    [
      'the same amid the conversation',
      { messages: [user('Hi'), { role: 'system', content: [{ type: 'x' }] }] },
      'messages[1].content[0]',
    ],
    ['a result that answers no call', { messages: [user([result({})])] }, 'messages[0].content[0].tool_use_id'],
    [
      'a call without a name',
      { messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: 'x' }] }] },
      'messages[0].content[0]',
    ],
    [
      'a call that ran elsewhere',
      { messages: [{ role: 'assistant', content: [{ type: 'server_tool_use' }] }] },
      'messages[0].content[0]',
    ],
    [
      'an unknown block',
      { messages: [user([{ type: 'text', text: 'a' }, { type: 'hologram' }])] },
      'messages[0].content[1]',
    ],
    [
      'an image that Anthropic keeps',
      { messages: [user([{ type: 'image', source: { type: 'file', file_id: 'x' } }])] },
      'messages[0].content[0]',
    ],
    [
      'an image on a disk',
      { messages: [user([{ type: 'image', source: { type: 'url', url: 'file:///a' } }])] },
      'messages[0].content[0]',
    ],
    [
      'a document as a result',
      { messages: [answer, user([result({ content: [{ type: 'document' }] })])] },
      'messages[1].content[0].content[0]',
    ],
    [
      'an image without an address as a result',
      { messages: [answer, user([result({ content: [{ type: 'image', source: { type: 'url' } }] })])] },
      'messages[1].content[0].content[0]',
    ],
    ['a tool without a name', { tools: [{ input_schema: {} }] }, 'tools[0].name'],
  ])('%s', (_, more, param) => {
    expect(() => translate(more)).toThrow(expect.objectContaining({ code: 'invalid_request', param }));
  });
});

describe('Anthropic’s dialect alone has', () => {
  it.each([
    ['mcp_servers', { mcp_servers: [{ name: 'x' }] }],
    ['container', { container: 'x' }],
    ['tools', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }],
    [null, { mcp_servers: [], container: null, tools: [{ name: 'f' }, { type: 'custom', name: 'g' }] }],
  ])('%s', (expected, more) => {
    expect(readMessages({ model: 'm', max_tokens: 1, messages: [user('Hi')], ...more }).nativeOnly).toBe(expected);
  });
});
