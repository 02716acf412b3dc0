import type { TestApp } from '../../support/app.ts';
import { patience } from '../requests.ts';
import { expect } from 'vitest';

/** What all clients are asked, in words that the simulated models know how to answer. */

/** One model of each provider, and the choice; every surface passes through to one provider and is translated for the other. */
export const models = [
  ['a model of OpenAI', 'gpt-6-sol'],
  ['a model of Anthropic', 'claude-sonnet-5'],
  ['auto', 'auto'],
] as const;

export const pinnedModels = models.slice(0, 2);

export const essay = 'Write about bridges and rivers';
export const weatherQuestion = 'What is the weather in Oslo right now?';
export const twoQuestions = 'What are the weather and the time in Oslo?';

const place = { type: 'object' as const, properties: { city: { type: 'string' as const } }, required: ['city'] };

export const weather = { name: 'get_weather', description: 'The weather of a place', schema: place };
export const time = { name: 'get_time', description: 'The time of a place', schema: place };

export const replySchema = {
  type: 'object' as const,
  properties: { answer: { type: 'string' as const }, certainty: { type: 'number' as const } },
  required: ['answer', 'certainty'],
  additionalProperties: false,
};

/** Whether a text is JSON of `replySchema`. */
export function expectReply(text: string | null | undefined): void {
  expect(JSON.parse(text ?? '')).toEqual({ answer: expect.stringContaining('Paris'), certainty: expect.any(Number) });
}

/** A picture of one pixel. */
export const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
export const pixelUrl = `data:image/png;base64,${pixel}`;
export const remoteImage = 'https://example.com/bridge.png';
/** What a simulated model counts for an image, about. */
export const imageTokens = 700;

/** Waits until the provider has seen that its client is gone. */
export async function expectAborted(app: TestApp, model: string): Promise<void> {
  await expect.poll(() => app.providers.stats(model), patience).toMatchObject({ aborted: 1, open: 0 });
}
