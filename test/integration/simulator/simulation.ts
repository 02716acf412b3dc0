import { setTimeout as pause } from 'node:timers/promises';
import OpenAI from 'openai';
import { silentLogger } from '../../../src/platform/telemetry/logger.ts';
import type { ModelStats } from '../../../src/simulator/stats.ts';
import { createSimulator, type Simulator, type SimulatorOptions } from '../../../src/simulator/simulator.ts';

/** A running simulator without delays and, by default, without random errors; the caller stops it. */
export async function startSimulator(options: Partial<SimulatorOptions> = {}): Promise<Simulator> {
  const simulator = createSimulator({
    host: '127.0.0.1',
    port: 0,
    seed: 'test',
    timeScale: 0,
    log: silentLogger(),
    ...options,
  });
  await simulator.start();
  return simulator;
}

export function openAiClient(simulator: Simulator): OpenAI {
  return new OpenAI({ apiKey: 'sk-test', baseURL: `${simulator.baseUrl}/v1`, maxRetries: 0 });
}

/** Posts JSON with any key, in OpenAI's and Anthropic's way at once. */
export function post(simulator: Simulator, path: string, body: unknown, init: RequestInit = {}): Promise<Response> {
  return fetch(new URL(path, simulator.baseUrl), {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
    headers: {
      'content-type': 'application/json',
      authorization: 'Bearer sk-test',
      'anthropic-version': '2023-06-01',
      ...(init.headers as Record<string, string> | undefined),
    },
  });
}

export function chatBody(content: string, more: object = {}): object {
  return { model: 'gpt-6-sol', messages: [{ role: 'user', content }], ...more };
}

export async function statsOf(simulator: Simulator, model: string): Promise<ModelStats | undefined> {
  const response = await fetch(`${simulator.baseUrl}/sim/stats`);
  const { models } = (await response.json()) as { models: Record<string, ModelStats> };
  return models[model];
}

/** Asks again and again until the statistics are as expected; the test's own timeout is the limit. */
export async function untilStats(
  simulator: Simulator,
  model: string,
  isReached: (stats: ModelStats) => boolean,
): Promise<ModelStats> {
  for (;;) {
    const stats = await statsOf(simulator, model);
    if (stats !== undefined && isReached(stats)) return stats;
    await pause(5);
  }
}

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}
