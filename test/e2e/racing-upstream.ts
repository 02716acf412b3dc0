import type { ServerResponse } from 'node:http';
import { expect, vi } from 'vitest';
import type { RouteResponse } from '../../src/contracts/decision.ts';
import type { TestApp } from '../support/app.ts';
import { getJson, patience, postJson } from './requests.ts';
import {
  answerJson,
  beginStream,
  chunk,
  completion,
  event,
  startUpstream,
  type Upstream,
  writeNow,
} from './upstream.ts';

/** What a model does with its next requests. */
export type Play = (response: ServerResponse, body: Record<string, unknown>) => Promise<void> | void;

/** A provider, `raw`, whose models each play their own part. */
export interface RacingUpstream {
  upstream: Upstream;
  /** By model; one that has no part says `ready`. */
  plays: Record<string, Play>;
  /** Models whose connection was closed before their answer was over, in that order. */
  cutOff: string[];
  reset(): void;
}

export async function startRacingUpstream(models: readonly string[]): Promise<RacingUpstream> {
  const upstream = await startUpstream({ name: 'raw', more: { models } });
  const racing: RacingUpstream = {
    upstream,
    plays: {},
    cutOff: [],
    reset() {
      racing.plays = {};
      racing.cutOff = [];
      upstream.requests.length = 0;
    },
  };
  upstream.answer = async (response, { body }) => {
    const request = JSON.parse(body) as Record<string, unknown>;
    const model = String(request['model']);
    response.on('close', () => {
      if (!response.writableEnded) racing.cutOff.push(model);
    });
    await (racing.plays[model] ?? says('ready'))(response, request);
  };
  return racing;
}

/** 10 tokens in and 5 out. */
const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

/** Answers with this text, as a stream where one is asked for. */
export function says(text: string, more: { after?: Promise<unknown>; logprob?: number } = {}): Play {
  return async (response, { stream }) => {
    await more.after;
    if (stream !== true) return answerJson(response, whole(text));
    beginStream(response);
    const logprobs = more.logprob === undefined ? null : { content: [{ token: text, logprob: more.logprob }] };
    const content = { index: 0, delta: { content: text }, finish_reason: null, logprobs };
    await writeNow(response, event(chunk({ role: 'assistant', content: '' })));
    await writeNow(response, event({ ...chunk({}), choices: [content] }));
    await writeNow(response, event(chunk({}, 'stop')) + event({ ...chunk({}), choices: [], usage }));
    response.end(event('[DONE]'));
  };
}

export function whole(text: string): object {
  return { ...completion(text), usage };
}

/** Opens its stream, says nothing, and never ends. */
export const hangs: Play = async (response) => {
  beginStream(response);
  await writeNow(response, event(chunk({ role: 'assistant', content: '' })));
};

/** Begins to answer with this text, and is cut off. */
export function breaksOff(text: string): Play {
  return async (response) => {
    beginStream(response);
    await writeNow(response, event(chunk({ content: text })));
    response.destroy();
  };
}

export function fails(status: number): Play {
  return (response) => answerJson(response, { error: { message: 'no', type: 'x', code: 'x' } }, status);
}

/** What a model costs in tests: its 10 tokens in and 5 out are 0.00002 USD. Waits until the router knows it. */
export async function setPrices(app: Pick<TestApp, 'url'>, model: string): Promise<void> {
  await getJson(`${app.url('registry')}/models/${model}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ costs: { input_tokens_per_1k: 0.001, output_tokens_per_1k: 0.002 } }),
  });
  await vi.waitFor(async () => {
    const response = await postJson(`${app.url('router')}/route`, { query: 'What is 6 times 7?', model });
    expect(((await response.json()) as RouteResponse).estimated_cost_usd).toEqual(expect.any(Number));
  }, patience);
}

/** Votes weigh by what is learned of the models: so that they weigh alike through a test. */
export const learnsNothing = { kind: 'threshold', min_samples: 1_000_000 };
