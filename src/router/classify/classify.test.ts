import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { classify } from './classify.ts';
import { extractFeatures, featureNames } from './features.ts';
import { readChat } from '../surfaces/chat/read.ts';
import { promptFromText } from './prompt.ts';

describe('classes of plain prompts', () => {
  test.each([
    ['What is the capital of France?', 'simple', 'simple'],
    ['Translate "good morning" to German.', 'simple', 'simple'],
    ['show me apple', 'simple', 'simple'],
    ['Why does this code deadlock?\n```go\nfunc main() { ch := make(chan int); ch <- 1 }\n```', 'technical', 'medium'],
    ['Write a Python function that reverses a linked list.', 'technical', 'medium'],
    [
      'Compare the economic causes of the 1929 and 2008 crises and analyse the policy responses with evidence from the literature.',
      'research',
      'medium',
    ],
    [
      'Design a distributed rate limiter for 50 regions; discuss the trade-offs between consistency and latency, then derive the worst-case overshoot and prove it.',
      'technical',
      'complex',
    ],
  ])('%s', (text, queryType, complexity) => {
    expect(classify(promptFromText(text))).toMatchObject({ query_type: queryType, complexity });
  });

  test('an image, audio or video makes a request multimedia whatever its words are', () => {
    for (const part of [
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } },
      { type: 'input_audio', input_audio: {} },
      { type: 'video_url', video_url: {} },
    ]) {
      const prompt = readChat({
        model: 'auto',
        messages: [{ role: 'user', content: [{ type: 'text', text: 'Why does this Python code fail?' }, part] }],
      }).prompt;
      expect(classify(prompt)).toMatchObject({ query_type: 'multimedia', query_type_confidence: 1 });
    }
  });

  test('sees the sentences of scripts without spaces', () => {
    const { sentences } = extractFeatures(promptFromText('今天天气很好。我们去公园吗？太好了！'));
    expect(sentences).toBe(extractFeatures(promptFromText('It is fine today. Shall we go out? Great!')).sentences);
  });

  test('is decided by the last question, with tools and history as evidence', () => {
    const prompt = readChat({
      model: 'auto',
      messages: [
        { role: 'user', content: 'Prove the theorem in detail.' },
        { role: 'assistant', content: 'Done.' },
        { role: 'user', content: 'Thanks!' },
      ],
      tools: [{ type: 'function' }],
    }).prompt;
    expect(prompt).toMatchObject({ question: 'Thanks!', messageCount: 3, toolCount: 1 });
    expect(classify(prompt).complexity).toBe('simple');
  });
});

describe('for every text', () => {
  const texts = fc.oneof(fc.string({ maxLength: 2000 }), fc.string({ unit: 'binary', maxLength: 2000 }));

  test('features lie in [0, 1] and confidences are those of the likeliest of three classes', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const prompt = promptFromText(text);
        const features = extractFeatures(prompt);
        for (const name of featureNames) {
          expect(features[name]).toBeGreaterThanOrEqual(0);
          expect(features[name]).toBeLessThanOrEqual(1);
        }
        const result = classify(prompt);
        expect(result.complexity_confidence).toBeGreaterThan(0.33);
        expect(result.complexity_confidence).toBeLessThanOrEqual(1);
        expect(classify(prompt)).toEqual(result);
      }),
    );
  });
});

test.each([
  ['engineering', 'a memory leak in C++'],
  ['engineering', 'the stack trace'],
  ['reasoning', 'weigh the trade-offs'],
  ['reasoning', 'step by step'],
  ['breadth', 'in-depth'],
  ['scholarship', 'HISTORICAL sources'],
] as const)('%s is heard from “%s”', (name, text) => {
  expect(extractFeatures(promptFromText(text))[name]).toBeGreaterThan(0);
  expect(extractFeatures(promptFromText('good morning'))[name]).toBe(0);
});
