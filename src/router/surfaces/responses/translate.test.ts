import { describe, expect, it } from 'vitest';
import { readResponses } from './read.ts';
import { translateResponses } from './translate.ts';

const translate = (more: object) => translateResponses({ input: 'Hi', ...more });
const promptOf = (...input: readonly object[]) => translate({ input }).options.prompt;
const call = { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{"a":1}' };
const toolCall = { type: 'tool-call', toolCallId: 'call_1', toolName: 'f', input: { a: 1 } };

describe('a responses request', () => {
  it('takes its settings along', () => {
    const translated = translate({
      instructions: 'Be brief.',
      temperature: 0.5,
      top_p: 0.9,
      max_output_tokens: 50,
      user: 'u',
      parallel_tool_calls: true,
      reasoning: { effort: 'low' },
    });
    expect(translated.options).toEqual({
      prompt: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
      ],
      temperature: 0.5,
      topP: 0.9,
      maxOutputTokens: 50,
    });
    expect(translated).toMatchObject({
      user: 'u',
      parallelToolCalls: true,
      reasoning: { effort: 'low', budgetTokens: null },
      strictSchema: false,
    });
  });

  it.each([
    ['auto', { type: 'auto' }],
    ['none', { type: 'none' }],
    ['required', { type: 'required' }],
    [
      { type: 'function', name: 'f' },
      { type: 'tool', toolName: 'f' },
    ],
    [undefined, undefined],
  ])('chooses tools by %o', (tool_choice, expected) => {
    expect(translate({ tools: [{ type: 'function', name: 'f' }], tool_choice }).options.toolChoice).toEqual(expected);
  });

  it.each([
    [{ type: 'text' }, undefined, false],
    [{ type: 'json_object' }, { type: 'json' }, false],
    [{ type: 'json_schema', name: 'n', schema: {}, strict: true }, { type: 'json', name: 'n', schema: {} }, true],
  ])('is answered in the format %o', (format, expected, strictSchema) => {
    const translated = translate({ text: { format } });
    expect(translated.options.responseFormat).toEqual(expected);
    expect(translated.strictSchema).toBe(strictSchema);
  });
});

describe('an item', () => {
  it('is part of a turn with those beside it', () => {
    expect(
      promptOf(
        { role: 'developer', content: 'D' },
        { role: 'user', content: [{ type: 'input_text', text: 'U' }] },
        { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'x' },
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'A' }] },
        call,
        { ...call, call_id: 'call_2', name: 'g', arguments: '' },
        { type: 'function_call_output', call_id: 'call_1', output: 'Sleet' },
        { type: 'function_call_output', call_id: 'call_2', output: [{ type: 'input_text', text: 'Noon' }] },
        { role: 'user', content: 'So?' },
      ),
    ).toEqual([
      { role: 'system', content: 'D' },
      { role: 'user', content: [{ type: 'text', text: 'U' }] },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'A' },
          toolCall,
          { ...toolCall, toolCallId: 'call_2', toolName: 'g', input: {} },
        ],
      },
      {
        role: 'tool',
        content: [
          { type: 'tool-result', toolCallId: 'call_1', toolName: 'f', output: { type: 'text', value: 'Sleet' } },
          {
            type: 'tool-result',
            toolCallId: 'call_2',
            toolName: 'g',
            output: { type: 'content', value: [{ type: 'text', text: 'Noon' }] },
          },
        ],
      },
      { role: 'user', content: [{ type: 'text', text: 'So?' }] },
    ]);
  });

  it.each([
    [
      { type: 'input_image', image_url: 'data:image/png;base64,aGk=' },
      { mediaType: 'image/png', data: 'aGk=' },
    ],
    [
      { type: 'input_image', image_url: 'https://a.example/b' },
      { mediaType: 'image/*', data: new URL('https://a.example/b') },
    ],
    [
      { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,aGk=' },
      { mediaType: 'application/pdf', data: 'aGk=', filename: 'a.pdf' },
    ],
    [
      { type: 'input_file', file_url: 'https://a.example/b.pdf' },
      { mediaType: 'application/pdf', data: new URL('https://a.example/b.pdf') },
    ],
  ])('holds the file %o', (part, expected) => {
    expect(promptOf({ role: 'user', content: [part] })).toEqual([
      { role: 'user', content: [{ type: 'file', ...expected }] },
    ]);
  });
});

describe('no translation has a responses request with', () => {
  it.each([
    ['no input', undefined, 'input'],
    ['a reference', [{ type: 'item_reference', id: 'x' }], 'input[0]'],
    ['a result that answers no call', [{ type: 'function_call_output', call_id: 'x', output: '' }], 'input[0].call_id'],
    ['a call without a name', [{ type: 'function_call', call_id: 'x' }], 'input[0]'],
    ['arguments that are no JSON', [{ ...call, arguments: '{"a' }], 'input[0].arguments'],
    ['an unknown part', [{ role: 'user', content: [{ type: 'hologram' }] }], 'input[0].content[0]'],
    ['an image in an answer', [{ role: 'assistant', content: [{ type: 'input_image' }] }], 'input[0].content[0]'],
    [
      'a file that OpenAI keeps',
      [{ role: 'user', content: [{ type: 'input_file', file_id: 'x' }] }],
      'input[0].content[0]',
    ],
    [
      'a file as a result',
      [call, { type: 'function_call_output', call_id: 'call_1', output: [{ type: 'input_file' }] }],
      'input[1].output[0]',
    ],
  ])('%s', (_, input, param) => {
    expect(() => translate({ input })).toThrow(expect.objectContaining({ code: 'invalid_request', param }));
  });

  it('a tool without a name', () => {
    expect(() => translate({ tools: [{ type: 'function' }] })).toThrow(
      expect.objectContaining({ param: 'tools[0].name' }),
    );
  });
});

describe('OpenAI’s servers alone have', () => {
  it.each([
    ['previous_response_id', { previous_response_id: 'resp_1' }],
    ['conversation', { conversation: 'conv_1' }],
    ['prompt', { prompt: { id: 'p' } }],
    ['background', { background: true }],
    ['tools', { tools: [{ type: 'web_search' }] }],
    ['tool_choice', { tool_choice: { type: 'allowed_tools' } }],
    ['input', { input: [{ type: 'item_reference', id: 'x' }] }],
    [null, { background: false, conversation: null, tools: [{ type: 'function', name: 'f' }], tool_choice: 'auto' }],
  ])('%s', (expected, more) => {
    expect(readResponses({ model: 'm', input: 'Hi', ...more }).nativeOnly).toBe(expected);
  });
});

it('what a tool answered counts as its text, and its images as images', () => {
  const output = [
    { type: 'input_text', text: 'Sleet' },
    { type: 'input_image', image_url: 'https://a.example/b' },
  ];
  const { prompt } = readResponses({
    model: 'm',
    input: [{ role: 'user', content: 'Hi' }, call, { type: 'function_call_output', call_id: 'call_1', output }],
  });
  expect(prompt).toMatchObject({ modalities: ['text', 'image'], imageCount: 1 });
});
