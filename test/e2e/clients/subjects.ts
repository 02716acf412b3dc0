import { expect } from 'vitest';
import { startTestApp, type TestApp } from '../../support/app.ts';

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

/** What a model says of the capital of France where it is held to `replySchema`. */
export const reply = { answer: expect.stringContaining('Paris'), certainty: expect.any(Number) };

/** A picture of one pixel. */
export const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
export const pixelUrl = `data:image/png;base64,${pixel}`;
export const remoteImage = 'https://example.com/bridge.png';
/** What a simulated model counts for an image, about. */
export const imageTokens = 700;

/** Says nothing for longer than any test lasts, at once or after a few tokens. */
export const silent = 'stall:60000';
export const silentSoon = 'stall_after:3:60000';

/** What a provider tells of a model while one call is under way, and when its client has gone. */
export const underWay = { open: 1 };
export const broken = { aborted: 1, open: 0 };

/** How a provider may fail, and the error that clients are told. */
export const outages = [
  { fault: 'http_401', status: 502, code: 'upstream_auth_failed', type: 'api_error' },
  { fault: 'http_429:7', status: 429, code: 'rate_limited', type: 'rate_limit_error' },
  { fault: 'http_500', status: 502, code: 'upstream_failed', type: 'api_error' },
  { fault: 'http_529', status: 503, code: 'upstream_overloaded', type: 'overloaded_error' },
] as const;

/** All services; what they remember of a provider that failed has no part in the next test. */
export function startClientsApp(): Promise<TestApp> {
  return startTestApp({
    config: {
      retries: { same_model: 0 },
      resilience: {
        ejection: { max_ejected_share: 0, consecutive_failures: 1000, min_requests: 100_000 },
        throttle: { enabled: false },
      },
    },
  });
}
