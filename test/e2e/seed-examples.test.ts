import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServiceName } from '../../src/contracts/api.ts';
import { startTestApp, type TestApp } from '../support/app.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());

const serviceOfPort: Record<string, ServiceName> = { 8000: 'registry', 8001: 'router', 8002: 'upgrade' };
const hasCurl = spawnSync('curl', ['--version']).status === 0;

/** Runs an example as a user would paste it; only the ports are those of the test. */
async function run(example: string): Promise<unknown> {
  const command = example.replaceAll(/localhost:(\d+)/g, (_, port: string) => {
    return `localhost:${new URL(app.url(serviceOfPort[port] ?? 'central')).port}`;
  });
  const output = hasCurl
    ? (await promisify(execFile)('sh', ['-c', command])).stdout
    : await (await fetch(...asFetch(command))).text();
  return JSON.parse(output);
}

function asFetch(command: string): [string, RequestInit] {
  const url = /http:\S+/.exec(command)?.[0] ?? '';
  const [, name = '', value = ''] = /-H "([^:"]+): ([^"]+)"/.exec(command) ?? [];
  const body = /-d '([^']*)'/.exec(command)?.[1];
  const method = /-X (\w+)/.exec(command)?.[1] ?? 'GET';
  return [url, { method, ...(body === undefined ? {} : { body, headers: { [name]: value } }) }];
}

describe('the examples of the first description, word for word', () => {
  it.each([
    ['curl http://localhost:8000/health  # Registry', 'registry'],
    ['curl http://localhost:8001/health  # Router', 'router'],
    ['curl http://localhost:8002/health  # Auto-Upgrade', 'upgrade'],
  ])('%s', async (example, service) => {
    expect(await run(example)).toMatchObject({ status: 'ok', service });
  });

  it('route a simple query', async () => {
    const answer = await run(`# Route a simple query
curl -X POST http://localhost:8001/route \\
  -H "Content-Type: application/json" \\
  -d '{"query": "What is the capital of France?"}'`);
    expect(answer).toMatchObject({
      model_id: expect.any(String),
      provider: expect.stringMatching(/^(openai|anthropic)$/),
      query_type: 'simple',
      complexity: 'simple',
      budget_ms: 5000,
      estimated_cost_usd: expect.any(Number),
      fallback_chain: [{ model_id: expect.any(String) }, { model_id: expect.any(String) }],
    });
  });

  it('route a refinement query', async () => {
    const answer = await run(`# Route a refinement query
curl -X POST http://localhost:8001/route/refinement \\
  -H "Content-Type: application/json" \\
  -d '{"query": "show me apple", "refinement_type": "fast"}'`);
    expect(answer).toMatchObject({ budget_ms: 500, complexity: 'simple' });
    const refiners = await fetch(`${app.url('registry')}/models/refiners`);
    const { models } = (await refiners.json()) as { models: Array<{ model_id: string }> };
    expect(models.map(({ model_id }) => model_id)).toContain((answer as { model_id: string }).model_id);
  });

  it('get stable models', async () => {
    const answer = await run(`# Get stable models
curl http://localhost:8000/models/stable`);
    const { models } = answer as { models: object[] };
    expect(models.length).toBeGreaterThan(3);
    for (const model of models) {
      expect(model).toMatchObject({
        model_id: expect.any(String),
        provider: expect.any(String),
        status: 'stable',
        capabilities: { text_generation: expect.any(Boolean), multimodal: expect.any(Boolean) },
        performance: { avg_ttft_ms: null },
        costs: { currency: 'USD' },
      });
    }
  });

  it('trigger model discovery', async () => {
    const answer = await run(`# Trigger model discovery
curl -X POST http://localhost:8002/discover`);
    expect(answer).toMatchObject({
      trigger: 'manual',
      providers: expect.arrayContaining([expect.objectContaining({ provider: 'openai', ok: true, listed: 5 })]),
    });
  });
});
