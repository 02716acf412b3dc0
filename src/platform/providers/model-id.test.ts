import { describe, expect, it } from 'vitest';
import { isPreviewId, kindOfModelId, withoutDate, withoutMaker } from './model-id.ts';

describe('kindOfModelId', () => {
  it.each([
    ['gpt-6-sol', 'chat'],
    ['claude-sonnet-5', 'chat'],
    ['llama3.2:3b', 'chat'],
    ['meta-llama/Llama-3.3-70B-Instruct', 'chat'],
    ['google/gemini-3.8-flash', 'chat'],
    ['gpt-4o-search-preview', 'chat'],
    ['qwen/qwen3-next-80b-a3b-instruct', 'chat'],
    ['my-own-model', 'chat'],
    ['text-embedding-3-small', 'embedding'],
    ['gemini-embedding-001', 'embedding'],
    ['nomic-embed-text', 'embedding'],
    ['BAAI/bge-m3', 'embedding'],
    ['mistral-embed', 'embedding'],
    ['whisper-1', 'speech'],
    ['whisper-large-v3-turbo', 'speech'],
    ['tts-1-hd', 'speech'],
    ['gpt-4o-mini-tts', 'speech'],
    ['gpt-4o-transcribe', 'speech'],
    ['gpt-4o-realtime-preview', 'speech'],
    ['gpt-audio-mini', 'speech'],
    ['dall-e-3', 'image'],
    ['gpt-image-1', 'image'],
    ['chatgpt-image-latest', 'image'],
    ['black-forest-labs/FLUX.1-schnell', 'image'],
    ['stabilityai/stable-diffusion-xl-base-1.0', 'image'],
    ['sora-2', 'video'],
    ['veo-3.1-generate-preview', 'video'],
    ['omni-moderation-latest', 'moderation'],
    ['meta-llama/llama-guard-4-12b', 'moderation'],
    ['Salesforce/Llama-Rank-V1-rerank', 'rerank'],
    ['o3-deep-research', 'agent'],
    ['mistral-ocr-latest', 'agent'],
    ['davinci-002', 'completion'],
    ['gpt-3.5-turbo-instruct', 'completion'],
    ['gpt-3.5-turbo', 'chat'],
  ])('%s is for %s', (id, kind) => {
    expect(kindOfModelId(id)).toBe(kind);
  });
});

it.each([
  ['gpt-4-turbo-preview', true],
  ['gemini-2.5-flash-preview-09-2025', true],
  ['deepseek-v3.2-exp', true],
  ['gemini-2.0-flash-exp', true],
  ['grok-3-beta', true],
  ['anthropic/claude-3-opus:beta', true],
  ['gpt-6-sol', false],
  ['some-expert-model', false],
  ['alphabet', false],
])('%s: preview %s', (id, preview) => {
  expect(isPreviewId(id)).toBe(preview);
});

it.each([
  ['gpt-4o-2024-08-06', 'gpt-4o'],
  ['claude-haiku-4-5-20251001', 'claude-haiku-4-5'],
  ['claude-opus-4@20250514', 'claude-opus-4'],
  ['gpt-4-0613', 'gpt-4'],
  ['gpt-3.5-turbo-0125', 'gpt-3.5-turbo'],
  ['mistral-large-2411', 'mistral-large'],
  ['gemini-2.5-flash-preview-09-2025', 'gemini-2.5-flash-preview'],
  ['gemini-2.0-flash-001', 'gemini-2.0-flash'],
  ['gpt-6-sol', 'gpt-6-sol'],
  ['claude-opus-4-5', 'claude-opus-4-5'],
  ['model-9999', 'model-9999'],
  ['phi-3-mini-128k', 'phi-3-mini-128k'],
])('%s without its date is %s', (id, undated) => {
  expect(withoutDate(id)).toBe(undated);
});

it('cuts the maker off', () => {
  expect(withoutMaker('openai/gpt-6-sol')).toBe('gpt-6-sol');
  expect(withoutMaker('gpt-6-sol')).toBe('gpt-6-sol');
});
