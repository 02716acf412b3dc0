import { describe, expect, it } from 'vitest';
import { translateChat } from './translate.ts';
import { readChat } from './read.ts';

const user = (content: unknown): object => ({ role: 'user', content });
const call = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } };

/** How messages read in the AI SDK's words. */
function promptOf(...messages: readonly object[]) {
  return translateChat({ messages }).options.prompt;
}

const optionsOf = (more: object) => translateChat({ messages: [user('Hi')], ...more });

describe('a chat request', () => {
  it('takes its settings along', () => {
    const settings = { temperature: 0.5, top_p: 0.9, top_k: 4, seed: 7, presence_penalty: 1, frequency_penalty: -1 };
    expect(optionsOf({ ...settings, stop: 'x', max_tokens: 5 }).options).toMatchObject({
      temperature: 0.5,
      topP: 0.9,
      topK: 4,
      seed: 7,
      presencePenalty: 1,
      frequencyPenalty: -1,
      stopSequences: ['x'],
      maxOutputTokens: 5,
    });
    expect(optionsOf({ stop: ['x', 'y'], max_tokens: 5, max_completion_tokens: 9 }).options).toMatchObject({
      stopSequences: ['x', 'y'],
      maxOutputTokens: 9,
    });
    expect(optionsOf({ user: 'u', parallel_tool_calls: false })).toMatchObject({ user: 'u', parallelToolCalls: false });
  });

  it.each([
    [{ reasoning_effort: 'low' }, { effort: 'low', budgetTokens: null }],
    [{ reasoning: { effort: 'high' } }, { effort: 'high', budgetTokens: null }],
    [{ reasoning: { max_tokens: 2000 } }, { effort: null, budgetTokens: 2000 }],
    [{}, null],
  ])('asks for reasoning by %o', (more, expected) => {
    expect(optionsOf(more).reasoning).toEqual(expected);
  });

  it.each([
    ['auto', { type: 'auto' }],
    ['none', { type: 'none' }],
    ['required', { type: 'required' }],
    [
      { type: 'function', function: { name: 'f' } },
      { type: 'tool', toolName: 'f' },
    ],
    [undefined, undefined],
  ])('chooses tools by %o', (tool_choice, expected) => {
    const tools = [{ type: 'function', function: { name: 'f' } }];
    expect(optionsOf({ tools, tool_choice }).options.toolChoice).toEqual(expected);
  });

  it('names its tools with their schemas', () => {
    const parameters = { type: 'object', properties: { a: { type: 'number' } } };
    const tools = [
      { type: 'function', function: { name: 'f', description: 'F', parameters, strict: true } },
      { type: 'function', function: { name: 'g' } },
    ];
    expect(optionsOf({ tools }).options.tools).toEqual([
      { type: 'function', name: 'f', description: 'F', inputSchema: parameters, strict: true },
      { type: 'function', name: 'g', inputSchema: { type: 'object', properties: {} } },
    ]);
  });

  it.each([
    [{ type: 'text' }, undefined, false],
    [{ type: 'json_object' }, { type: 'json' }, false],
    [{ type: 'json_schema', json_schema: { name: 'n', schema: {} } }, { type: 'json', name: 'n', schema: {} }, false],
    [
      { type: 'json_schema', json_schema: { name: 'n', schema: {}, strict: true } },
      { type: 'json', name: 'n', schema: {} },
      true,
    ],
  ])('is answered in the format %o', (response_format, expected, strictSchema) => {
    const translated = optionsOf({ response_format });
    expect(translated.options.responseFormat).toEqual(expected);
    expect(translated.strictSchema).toBe(strictSchema);
  });
});

describe('a chat message', () => {
  it('of a tool answers the call that it names', () => {
    const answer = {
      role: 'tool',
      tool_call_id: 'call_1',
      content: [
        { type: 'text', text: 'Sl' },
        { type: 'text', text: 'eet' },
      ],
    };
    expect(promptOf({ role: 'assistant', content: 'Well', tool_calls: [call] }, answer)).toEqual([
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Well' },
          { type: 'tool-call', toolCallId: 'call_1', toolName: 'f', input: { a: 1 } },
        ],
      },
      {
        role: 'tool',
        content: [
          { type: 'tool-result', toolCallId: 'call_1', toolName: 'f', output: { type: 'text', value: 'Sleet' } },
        ],
      },
    ]);
  });

  it('of a call without arguments has none', () => {
    const bare = { ...call, function: { name: 'f', arguments: '' } };
    expect(promptOf({ role: 'assistant', tool_calls: [bare] })).toMatchObject([{ content: [{ input: {} }] }]);
  });

  it.each([
    ['data', { url: 'data:image/png;base64,aGk=' }, { mediaType: 'image/png', data: 'aGk=' }],
    ['data with parameters', { url: 'data:image/png;name=a;base64,aGk=' }, { mediaType: 'image/png', data: 'aGk=' }],
    ['an address', { url: 'https://a.example/b' }, { mediaType: 'image/*', data: new URL('https://a.example/b') }],
  ])('holds an image as %s', (_, image_url, expected) => {
    expect(promptOf(user([{ type: 'image_url', image_url }]))).toEqual([
      { role: 'user', content: [{ type: 'file', ...expected }] },
    ]);
  });

  it.each([
    [
      { type: 'file', file: { file_data: 'data:application/pdf;base64,aGk=', filename: 'a.pdf' } },
      { mediaType: 'application/pdf', data: 'aGk=', filename: 'a.pdf' },
    ],
    [
      { type: 'file', file: { file_data: 'aGk=' } },
      { mediaType: 'application/pdf', data: 'aGk=' },
    ],
    [
      { type: 'input_audio', input_audio: { data: 'aGk=', format: 'wav' } },
      { mediaType: 'audio/wav', data: 'aGk=' },
    ],
    [
      { type: 'input_audio', input_audio: { data: 'aGk=', format: 'mp3' } },
      { mediaType: 'audio/mpeg', data: 'aGk=' },
    ],
  ])('holds a file as %o', (part, expected) => {
    expect(promptOf(user([part]))).toEqual([{ role: 'user', content: [{ type: 'file', ...expected }] }]);
  });

  it('keeps the marks of caches', () => {
    const cache_control = { type: 'ephemeral', ttl: '1h' };
    const providerOptions = { anthropic: { cacheControl: cache_control } };
    expect(
      promptOf(
        { role: 'system', content: [{ type: 'text', text: 'S', cache_control }] },
        user([{ type: 'text', text: 'U', cache_control }]),
      ),
    ).toEqual([
      { role: 'system', content: 'S', providerOptions },
      { role: 'user', content: [{ type: 'text', text: 'U', providerOptions }] },
    ]);
  });

  it('gives reasoning back that was signed or hidden, whole or in pieces, and no other', () => {
    const reasoning_details = [
      { type: 'reasoning.text', text: 'Let me ', index: 0 },
      { type: 'reasoning.text', text: 'see.', index: 0 },
      { type: 'reasoning.text', text: '', signature: 's', index: 0 },
      { type: 'reasoning.encrypted', data: 'h', index: 1 },
      { type: 'reasoning.text', text: 'unsigned' },
      null,
    ];
    expect(promptOf({ role: 'assistant', content: 'Yes', reasoning_details })).toMatchObject([
      {
        content: [
          { type: 'reasoning', text: 'Let me see.', providerOptions: { anthropic: { signature: 's' } } },
          { type: 'reasoning', text: '', providerOptions: { anthropic: { redactedData: 'h' } } },
          { type: 'text', text: 'Yes' },
        ],
      },
    ]);
  });
});

describe('no translation has a chat request with', () => {
  it.each([
    [
      'a result that answers no call',
      [user('Hi'), { role: 'tool', tool_call_id: 'x', content: '' }],
      'messages[1].tool_call_id',
    ],
    ['a function’s result', [{ role: 'function', name: 'f', content: '' }], 'messages[0].tool_call_id'],
    ['an image in a system message', [{ role: 'system', content: [{ type: 'image_url' }] }], 'messages[0].content[0]'],
    ['an unknown part', [user([{ type: 'text', text: 'a' }, { type: 'hologram' }])], 'messages[0].content[1]'],
    ['an image of nothing', [user([{ type: 'image_url', image_url: {} }])], 'messages[0].content[0]'],
    [
      'an image on a disk',
      [user([{ type: 'image_url', image_url: { url: 'file:///a.png' } }])],
      'messages[0].content[0]',
    ],
    ['a file that OpenAI keeps', [user([{ type: 'file', file: { file_id: 'file-1' } }])], 'messages[0].content[0]'],
    ['a call that is nothing', [{ role: 'assistant', tool_calls: [null] }], 'messages[0].tool_calls[0]'],
    ['a call without a name', [{ role: 'assistant', tool_calls: [{ id: 'x' }] }], 'messages[0].tool_calls[0]'],
    [
      'arguments that are no JSON',
      [{ role: 'assistant', tool_calls: [{ id: 'x', function: { name: 'f', arguments: '{"a' } }] }],
      'messages[0].tool_calls[0].function.arguments',
    ],
  ])('%s', (_, messages, param) => {
    expect(() => translateChat({ messages })).toThrow(expect.objectContaining({ code: 'invalid_request', param }));
  });

  it('a tool without a name', () => {
    const request = { messages: [user('Hi')], tools: [{ type: 'function', function: {} }] };
    expect(() => translateChat(request)).toThrow(expect.objectContaining({ param: 'tools[0].function.name' }));
  });
});

describe('OpenAI’s dialect alone has', () => {
  it.each([
    ['n', { n: 2 }],
    ['logprobs', { logprobs: true }],
    ['logit_bias', { logit_bias: { 1: 2 } }],
    ['audio', { audio: { voice: 'alloy' } }],
    ['web_search_options', { web_search_options: {} }],
    ['functions', { functions: [{ name: 'f' }] }],
    ['tools', { tools: [{ type: 'custom', custom: { name: 'f' } }] }],
    ['tool_choice', { tool_choice: { type: 'allowed_tools', allowed_tools: {} } }],
    [
      null,
      { n: 1, logprobs: false, logit_bias: {}, functions: [], tools: [{ type: 'function' }], tool_choice: 'auto' },
    ],
  ])('%s', (expected, more) => {
    expect(readChat({ model: 'm', messages: [user('Hi')], ...more }).nativeOnly).toBe(expected);
  });
});
