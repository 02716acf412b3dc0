import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../statistics/random.ts';
import { baseProfile } from '../profile.ts';
import { generate } from './generation.ts';
import type { GenerationRequest } from './request.ts';
import { splitTokens } from './tokens.ts';

const weather = {
  name: 'get_weather',
  description: 'Weather of a place',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
const clock = { name: 'get_time', description: 'Time of a place', parameters: weather.parameters };

function request(changes: Partial<GenerationRequest> = {}): GenerationRequest {
  return {
    model: 'm',
    prompt: 'Tell me about lighthouses',
    segments: [],
    images: 0,
    tools: [],
    toolChoice: { mode: 'auto' },
    parallelTools: true,
    toolResult: undefined,
    format: { type: 'text' },
    maxTokens: undefined,
    stop: [],
    count: 1,
    ...changes,
  };
}

const run = (changes: Partial<GenerationRequest>, recorded?: string) =>
  generate(request(changes), baseProfile('m'), createRandom('seed'), recorded);
const textOf = (generation: ReturnType<typeof run>) => generation.blocks.flatMap((block) => block.tokens).join('');

describe('splitTokens', () => {
  it('loses nothing of any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => splitTokens(text).join('') === text));
    expect(splitTokens('Hello wonderful world, 12345!').length).toBeGreaterThan(5);
  });
});

describe('generate', () => {
  it('ends at a stop sequence or at the limit, whichever comes first', () => {
    expect(run({}, 'one two three')).toMatchObject({ finish: 'stop', outputTokens: 3 });
    const stopped = run({ stop: ['three', ' two'] }, 'one two three');
    expect(stopped).toMatchObject({ finish: 'stop_sequence', stopSequence: ' two', outputTokens: 1 });
    const limited = run({ maxTokens: 3, stop: ['three'] }, 'one two three four');
    expect([limited.finish, textOf(limited)]).toEqual(['stop_sequence', 'one two ']);
    const short = run({ maxTokens: 1, stop: ['three'] }, 'one two three four');
    expect([short.finish, textOf(short), short.stopSequence]).toEqual(['length', 'one', null]);
  });

  it('calls a tool when the prompt asks for it or the choice demands it, and not otherwise', () => {
    const tools = [weather, clock];
    const names = (changes: Partial<GenerationRequest>) =>
      run({ tools, ...changes }).blocks.map((block) => (block.type === 'tool' ? block.name : 'text'));
    expect(names({ prompt: 'What is the weather in Oslo?' })).toEqual(['get_weather']);
    expect(names({ prompt: 'Give me weather and time in Oslo' })).toEqual(['get_weather', 'get_time']);
    expect(names({ prompt: 'Give me weather and time in Oslo', parallelTools: false })).toEqual(['get_weather']);
    expect(names({ prompt: 'Tell me a joke' })).toEqual(['text']);
    expect(names({ prompt: 'Tell me a joke', toolChoice: { mode: 'required' } })).toEqual(['get_weather']);
    expect(names({ prompt: 'Tell me a joke', toolChoice: { mode: 'named', name: 'get_time' } })).toEqual(['get_time']);
    expect(names({ prompt: 'What is the weather?', toolChoice: { mode: 'none' } })).toEqual(['text']);
    expect(names({ prompt: 'What is the weather?', toolResult: 'rain' })).toEqual(['text']);
    expect(textOf(run({ tools, prompt: 'And the weather in Oslo?' }))).toBe('{"city":"Oslo"}');
    expect(textOf(run({ tools, prompt: 'What is the weather?', toolResult: 'heavy rain' }))).toContain('heavy rain');
  });

  it('answers in JSON where that is asked for', () => {
    const json = textOf(run({ format: { type: 'json', schema: undefined } }));
    expect(JSON.parse(json)).toHaveProperty('answer');
  });
});
