import { describe, expect, it } from 'vitest';
import { answerText, createCompletionAssembler, meanLogprob } from './assemble.ts';

function assemble(...chunks: unknown[]): Record<string, unknown> {
  const assembler = createCompletionAssembler();
  for (const chunk of chunks) assembler.push(typeof chunk === 'string' ? chunk : JSON.stringify(chunk));
  return assembler.document();
}

const base = { id: 'c1', object: 'chat.completion.chunk', created: 7, model: 'm' };
const delta = (part: object, more: object = {}): object => ({ ...base, choices: [{ index: 0, delta: part, ...more }] });

describe('the chunks of a stream', () => {
  it('are the completion that would have come whole', () => {
    const document = assemble(
      delta({ role: 'assistant', content: '' }),
      delta({ content: 'for' }, { logprobs: { content: [{ token: 'for', logprob: -1 }] } }),
      delta({ content: 'ty' }, { logprobs: { content: [{ token: 'ty', logprob: -3 }] } }),
      delta({}, { finish_reason: 'length' }),
      { ...base, choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 }, system_fingerprint: null },
      '[DONE]',
    );
    expect(document).toEqual({
      ...base,
      object: 'chat.completion',
      usage: { prompt_tokens: 3, completion_tokens: 2 },
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'forty', refusal: null },
          finish_reason: 'length',
          logprobs: {
            content: [
              { token: 'for', logprob: -1 },
              { token: 'ty', logprob: -3 },
            ],
          },
        },
      ],
    });
    expect(answerText(document)).toBe('forty');
    expect(meanLogprob(document)).toBe(-2);
  });

  it('make whole tool calls of their pieces, in their order', () => {
    const document = assemble(
      delta({ tool_calls: [{ index: 1, id: 'b', type: 'function', function: { name: 'two', arguments: '' } }] }),
      delta({ tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'one', arguments: '{"x"' } }] }),
      delta({ tool_calls: [{ index: 0, function: { arguments: ':1}' } }] }),
      delta({}, { finish_reason: 'tool_calls' }),
    );
    expect(document['choices']).toMatchObject([
      {
        finish_reason: 'tool_calls',
        message: {
          content: null,
          tool_calls: [
            { id: 'a', type: 'function', function: { name: 'one', arguments: '{"x":1}' } },
            { id: 'b', type: 'function', function: { name: 'two', arguments: '' } },
          ],
        },
      },
    ]);
    // Two models that call the same say the same, whatever ids they give.
    expect(answerText(document)).toBe('[{"name":"one","arguments":{"x":1}},{"name":"two","arguments":""}]');
  });

  it('keep reasoning and refusals apart from the text', () => {
    const document = assemble(
      delta({ reasoning_content: 'so ' }),
      delta({ reasoning_content: 'it is' }),
      delta({ refusal: 'no' }),
    );
    expect(document['choices']).toMatchObject([
      { message: { content: '', reasoning_content: 'so it is', refusal: 'no' }, finish_reason: null, logprobs: null },
    ]);
    expect(meanLogprob(document)).toBeNull();
  });

  it('that cannot be read are left aside', () => {
    expect(
      answerText(assemble('{', delta({ content: 'x' }), '{"choices":[7,{"index":1,"delta":{"content":"y"}}]}')),
    ).toBe('x');
  });
});
