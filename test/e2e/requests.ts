import type OpenAI from 'openai';
import { expect } from 'vitest';
import type { Explanation } from '../../src/contracts/decision.ts';
import type { TestApp } from '../support/app.ts';

/** A prompt whose answer the simulated models know. */
export const capital = 'What is the capital of France?';

export function user(content: string): OpenAI.ChatCompletionMessageParam[] {
  return [{ role: 'user', content }];
}

export type Chunk = OpenAI.ChatCompletionChunk;

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

export function textOf(chunks: readonly Chunk[]): string {
  return chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
}

/** What a request threw. */
export async function failureOf(request: Promise<unknown>): Promise<unknown> {
  try {
    await request;
  } catch (error) {
    return error;
  }
  throw new Error('the request did not fail');
}

/** The `x-signalbox-*` headers without their prefix. */
export function signalboxHeaders(headers: Headers | undefined): Record<string, string> {
  const prefix = 'x-signalbox-';
  return Object.fromEntries(
    [...(headers ?? [])].flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value] as const] : [],
    ),
  );
}

/** One attempt of a decision as central reports it. */
export interface Attempt extends Record<string, unknown> {
  decision_id: string;
  attempt: number;
  model: string;
  provider: string;
  outcome: string;
  /** Null in lists that did not ask for it. */
  explanation: Explanation | null;
}

/** How long a poll may take on a machine that is busy; what is waited for comes within a second. */
export const patience = { timeout: 10_000, interval: 25 };

export async function getJson<T>(url: string, init?: RequestInit): Promise<T> {
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

export function postJson(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/** All attempts of a decision, once each has ended and there are as many as expected. */
export async function endedAttempts(
  app: Pick<TestApp, 'url'>,
  decisionId: string | undefined,
  count = 1,
): Promise<Attempt[]> {
  let attempts: Attempt[] = [];
  await expect
    .poll(async () => {
      const response = await fetch(`${app.url('central')}/decisions/${decisionId ?? 'none'}`);
      attempts = response.ok ? ((await response.json()) as { attempts: Attempt[] }).attempts : [];
      return attempts.map((attempt) => attempt.outcome);
    }, patience)
    .toSatisfy((outcomes: string[]) => outcomes.length === count && !outcomes.includes('routed'));
  return attempts;
}
